"""Names that a pickle of weights may import: those that ``torch.load(weights_only=True)`` takes, known without torch.

Looked up in torch 2.13 and MONAI 1.6; a test compares both.
"""

from __future__ import annotations

_DENSE = ("BFloat16", "Bool", "Byte", "Char", "Double", "Float", "Half", "Int", "Long", "Short")
_COMPLEX = ("ComplexDouble", "ComplexFloat")
_QUANTIZED = ("QInt32", "QInt8", "QUInt2x4", "QUInt4x2", "QUInt8")
_INTEGERS = (*range(1, 9), 16, 32, 64)  # bits
_DTYPES = (
    *("bfloat16", "bool", "complex128", "complex32", "complex64", "float16", "float32", "float64", "qint32", "qint8"),
    *("float4_e2m1fn_x2", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu"),
    *("bits16", "bits1x8", "bits2x4", "bits4x2", "bits8", "quint2x4", "quint4x2", "quint8"),
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in _INTEGERS),
)
_SCHEMES = (
    *("per_channel_affine", "per_channel_affine_float_qparams", "per_channel_symmetric"),
    *("per_tensor_affine", "per_tensor_symmetric"),
)
_REBUILDERS = (
    *("device_tensor_from_cpu_tensor", "device_tensor_from_numpy", "meta_tensor_no_storage", "nested_tensor"),
    *("parameter", "parameter_with_state", "qtensor", "sparse_tensor", "tensor", "tensor_v2", "tensor_v3"),
    "wrapper_subclass",
)
_OF_PYTHON = (
    *("builtins.bytearray", "builtins.complex", "builtins.set", "_codecs.encode"),
    *("collections.Counter", "collections.OrderedDict"),
)
_OF_TORCH = {
    *(f"torch.{name}" for name in (*_DTYPES, *_SCHEMES, "Size", "Tensor", "device", "nn.parameter.Parameter")),
    *(f"{home}.{name}Tensor" for home in ("torch", "torch.cuda") for name in _DENSE),
    *(f"{home}.{name}Tensor" for home in ("torch.sparse", "torch.cuda.sparse") for name in _DENSE if name != "Bool"),
    *(f"{home}.{name}Storage" for home in ("torch", "torch.cuda") for name in (*_DENSE, *_COMPLEX)),
    *(f"torch.{name}Storage" for name in _QUANTIZED),
    *(f"torch._utils._rebuild_{name}" for name in _REBUILDERS),
    *("torch._tensor._rebuild_from_type_v2", "torch.serialization._get_layout"),
    *("torch.storage.TypedStorage", "torch.storage.UntypedStorage"),
}
# MONAI tells torch of four of its own as soon as it is imported, which medseg does before it reads weights.
_OF_MONAI = {
    *("monai.data.meta_obj.MetaObj", "monai.data.meta_tensor.MetaTensor"),
    *("monai.utils.enums.MetaKeys", "monai.utils.enums.SpaceKeys"),
}
PLAIN_GLOBALS = frozenset({*_OF_PYTHON, *_OF_TORCH, *_OF_MONAI})
