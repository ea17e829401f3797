"""Other programs that run a network: torch's compiler, ONNX Runtime, OpenVINO; the last two are extras."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from medseg.core.errors import InferenceError, UsageError
from medseg.core.extras import EXTRAS, missing
from medseg.engine.export import BATCH, onnx_program, quietly
from medseg.engine.exported import Run, onnx_run, run_exported
from medseg.engine.openvino import compiler, import_openvino, openvino_options

ENGINES = ("torch", "compile", "onnx", "openvino", "int8")
FROM_FILE = ("onnx", "int8")  # engines that run a network as it was exported; int8 that alone

_EXTRA_OF = {"onnx": "onnx", "openvino": "openvino", "int8": "openvino"}
_FROM_FILE_ALONE = {"onnx": ("onnxruntime",)}  # of its extra the rest exports


def missing_packages(engine: str, *, from_file: bool = False) -> list[str]:
    """Packages that an engine needs and that are not installed.

    Args:
        engine: One of ``ENGINES``, or "auto".
        from_file: Whether it runs a network that was exported before, and need not be able to export it.
    """
    needed = EXTRAS[_EXTRA_OF[engine]] if engine in _EXTRA_OF else ()
    return missing(_FROM_FILE_ALONE.get(engine, needed) if from_file else needed)


def check_engine(engine: str, *, from_file: bool = False) -> None:
    """Refuse an engine that is not installed.

    Args:
        engine: As for ``missing_packages``.
        from_file: As for ``missing_packages``.

    Raises:
        UsageError: Names the extra that brings it.
    """
    if absent := missing_packages(engine, from_file=from_file):
        raise UsageError(f"--engine {engine} needs {', '.join(absent)}: pip install 'medseg[{_EXTRA_OF[engine]}]'")


def run_with(
    engine: str, network: nn.Module, shape: Sequence[int], precision: str, *, exported: Path | None = None
) -> Run:
    """The network as another engine runs it.

    Args:
        engine: One of ``ENGINES``.
        network: In eval mode, on the CPU, in fp32; left as it is.
        shape: (B, C, *window) of what it sees; B may be another each time.
        precision: "fp32" or "bf16".
        exported: What the network was exported to before, for an engine of ``FROM_FILE``.

    Returns:
        Takes and gives tensors in fp32.

    Raises:
        InferenceError: The engine cannot run this network.
    """
    if exported is not None:
        return run_exported(engine, exported)
    makers = {"torch": _torch, "compile": _compiled, "onnx": _onnx, "openvino": _openvino}
    try:
        with torch.no_grad(), quietly():
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
    stream = io.BytesIO()
    example = torch.zeros(max(BATCH, shape[0]), *shape[1:])
    onnx_program(network, example, {0: torch.export.Dim("batch")}).save(stream)
    return onnx_run(stream.getvalue())


def _openvino(network: nn.Module, shape: tuple[int, ...], precision: str) -> Run:
    import_openvino()
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    # What openvino.convert_model does, but for the events of a conversion that it sends.
    decoder = TorchScriptPythonDecoder(network, example_input=torch.zeros(shape))
    reader = FrontEndManager().load_by_framework("pytorch")
    model = reader.convert(reader.load(decoder))
    model.reshape([-1, *shape[1:]])
    compiled = compiler().compile_model(model, "CPU", openvino_options(precision))
    return lambda windows: torch.from_numpy(compiled(windows.numpy())[0])
