"""Other programs that run a network: torch's compiler, ONNX Runtime, OpenVINO; the last two are extras."""

from __future__ import annotations

import importlib.util
import io
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from medseg.core.errors import InferenceError, UsageError

ENGINES = ("torch", "compile", "onnx", "openvino")
Run = Callable[[torch.Tensor], torch.Tensor]

_PACKAGES = {"onnx": ("onnx", "onnxscript", "onnxruntime"), "openvino": ("openvino",)}


def missing_packages(engine: str) -> list[str]:
    """Packages that an engine needs and that are not installed."""
    return [name for name in _PACKAGES.get(engine, ()) if importlib.util.find_spec(name) is None]


def check_engine(engine: str) -> None:
    """Refuse an engine that is not installed.

    Raises:
        UsageError: Names the extra that brings it.
    """
    missing = missing_packages(engine)
    if missing:
        raise UsageError(f"--engine {engine} needs {', '.join(missing)}: pip install 'medseg[{engine}]'")


def run_with(engine: str, network: nn.Module, shape: Sequence[int], precision: str) -> Run:
    """The network as another engine runs it.

    Args:
        engine: One of ``ENGINES``.
        network: In eval mode, on the CPU, in fp32; left as it is.
        shape: (B, C, *window) of what it sees; B may be another each time.
        precision: "fp32" or "bf16".

    Returns:
        Takes and gives tensors in fp32.

    Raises:
        InferenceError: The engine cannot run this network.
    """
    makers = {"torch": _torch, "compile": _compiled, "onnx": _onnx, "openvino": _openvino}
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of tracers, about shapes that are checked here by running another one
            return makers[engine](network, tuple(shape), precision)
    except Exception as error:  # each engine has errors of its own, for layers that it does not know
        reason = " ".join(str(error).split())[:200]
        raise InferenceError(f"--engine {engine} cannot run this network: {reason}. Take --engine torch") from error


def _torch(network: nn.Module, shape: tuple[int, ...], precision: str) -> Run:
    return network


def _compiled(network: nn.Module, shape: tuple[int, ...], precision: str) -> Run:
    run: Run = torch.compile(network)
    return run


def _onnx(network: nn.Module, shape: tuple[int, ...], precision: str) -> Run:
    import onnxruntime

    stream = io.BytesIO()
    program: Any = torch.onnx.export(
        network,
        (torch.zeros(max(2, shape[0]), *shape[1:]),),  # a batch of one would be taken for the only one there is
        dynamo=True,
        input_names=["image"],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        verbose=False,
    )
    program.save(stream)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(stream.getvalue(), options, providers=["CPUExecutionProvider"])
    return lambda windows: torch.from_numpy(session.run(None, {"image": windows.numpy()})[0])


def _openvino(network: nn.Module, shape: tuple[int, ...], precision: str) -> Run:
    import openvino
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    # What openvino.convert_model does, but for its telemetry: nothing leaves a hospital unasked.
    decoder = TorchScriptPythonDecoder(network, example_input=torch.zeros(shape))
    reader = FrontEndManager().load_by_framework("pytorch")
    model = reader.convert(reader.load(decoder))
    model.reshape([-1, *shape[1:]])
    hints = {"INFERENCE_PRECISION_HINT": {"bf16": "bf16", "fp32": "f32"}[precision], "PERFORMANCE_HINT": "LATENCY"}
    compiled = openvino.compile_model(model, "CPU", {**hints, "INFERENCE_NUM_THREADS": torch.get_num_threads()})
    return lambda windows: torch.from_numpy(compiled(windows.numpy())[0])
