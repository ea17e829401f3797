"""OpenVINO as medseg uses it: without its telemetry, on the CPU, one batch at a time."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import Any

import torch


def import_openvino() -> Any:
    """The package.

    It tells its maker of every import where its telemetry is installed, and that comes with it. Nothing leaves a
    hospital unasked: here it finds none, and takes the empty stand-in that it brings for this.
    """
    if "openvino" not in sys.modules:
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # what is None cannot be imported
    import openvino

    return openvino


@functools.cache
def compiler() -> Any:
    """What compiles models: one for the process, never let go.

    On Linux each gives the thread that makes it another stack for signals, and unmaps it when it goes (openvino pull
    request 11894). Of two that go in the order they came, as those behind ``openvino.compile_model`` do, the second
    puts back the stack of the first, which is gone: the next signal, Ctrl-C or the end of a worker, ends the process.
    """
    return import_openvino().Core()


def onnx_model(path: Path) -> Any:
    """A network in ONNX, read by that reader alone: to guess what a file is, all readers of frameworks are loaded."""
    import_openvino()
    from openvino.frontend import FrontEndManager

    reader = FrontEndManager().load_by_framework("onnx")
    return reader.convert(reader.load(str(path)))


def openvino_options(precision: str) -> dict[str, Any]:
    """How it computes what is not in 8-bit numbers: in "bf16" or "fp32"."""
    hint = {"bf16": "bf16", "fp32": "f32"}[precision]
    threads = torch.get_num_threads()
    return {"INFERENCE_PRECISION_HINT": hint, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads}
