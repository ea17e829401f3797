"""Run a network from the file it was exported to, in place of the one it was made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from medseg.core.errors import InferenceError
from medseg.core.exports import EXPORTS
from medseg.engine.onnx_runtime import import_onnxruntime
from medseg.engine.openvino import compiler, onnx_model, openvino_options

Run = Callable[[torch.Tensor], torch.Tensor]
EXPORTED = (*EXPORTS, "int8")  # forms of a file that can be run


class ExportedNetwork(nn.Module):
    """A network without weights of its own, so that it can stand wherever one is called.

    Args:
        run: Takes and gives tensors in fp32, on the CPU; a plain function, which is no part of the module.
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """What the file says of windows (B, C, …)."""
        return self.run(windows)


def exported_network(form: str, path: Path) -> nn.Module:
    """The network of a file.

    Args:
        form: One of ``EXPORTED``.
        path: The file.

    Raises:
        InferenceError: It cannot be read.
    """
    return ExportedNetwork(run_exported(form, path))


def run_exported(form: str, path: Path) -> Run:
    """What runs the network of a file, on the CPU; as ``exported_network``.

    Raises:
        InferenceError: It cannot be read.
    """
    openers = {"torchscript": _torchscript, "onnx": _onnx, "pt2": _program, "int8": _int8}
    try:
        return openers[form](path)
    except Exception as error:  # each runtime has errors of its own
        reason = " ".join(str(error).split())[:200]
        raise InferenceError(f"'{path}' cannot be read as {form}: {reason}. Export the network again") from error


def onnx_run(model: Path | bytes) -> Run:
    """A network in ONNX, by ONNX Runtime."""
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    given = str(model) if isinstance(model, Path) else model
    session = onnxruntime.InferenceSession(given, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda windows: torch.from_numpy(session.run(None, {name: windows.contiguous().numpy()})[0])


def _torchscript(path: Path) -> Run:
    module = torch.jit.load(str(path), map_location="cpu").eval()
    return lambda windows: module(windows)


def _onnx(path: Path) -> Run:
    return onnx_run(path)


def _program(path: Path) -> Run:
    module = torch.export.load(str(path)).module()  # it cannot be asked for eval mode, which is what it was made in
    return lambda windows: module(windows)


def _int8(path: Path) -> Run:
    """By OpenVINO: ONNX Runtime takes longer for 8-bit numbers than for fp32, since it has no norms in them."""
    model = onnx_model(path)
    ready: dict[tuple[int, ...], Any] = {}

    def run(windows: torch.Tensor) -> torch.Tensor:
        shape = tuple(windows.shape[1:])
        if shape not in ready:  # known sizes are faster than free ones
            model.reshape([-1, *shape])
            ready[shape] = compiler().compile_model(model, "CPU", openvino_options("fp32"))
        return torch.from_numpy(ready[shape](windows.contiguous().numpy())[0])

    return run
