"""Convolutions of a network in 8-bit numbers: ranges of what flows between layers are read from real windows."""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from medseg.core.errors import OutputError
from medseg.core.types import FloatArray
from medseg.engine.export import INPUT, OUTPUT
from medseg.engine.onnx_runtime import import_onnxruntime

_KINDS = ("Conv", "ConvTranspose")  # nearly all of the work; norms and sums stay in fp32


def quantize(source: Path, windows: Sequence[FloatArray], target: Path) -> None:
    """Write a network in 8-bit numbers (ONNX with QuantizeLinear and DequantizeLinear), whole or not at all.

    Weights get a scale per channel and 7 of the 8 bits: without the VNNI instructions products of two full bytes
    overflow. The range of an activation is the mean, over the windows, of its least and greatest value. What reads the
    image and what says the classes stays in fp32: it is little work, and most of what 8 bits lose is lost there.

    Args:
        source: The network in ONNX, in fp32.
        windows: Preprocessed, (1, C, …) each, as inference would show them; at least one.
        target: The file to write.

    Raises:
        OutputError: The network has no convolution to quantize, cannot be quantized, or the disk does not take it.
        ValueError: There are no windows.
    """
    if not windows:
        raise ValueError("ranges are read from windows, and there are none")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".tmp-", dir=target.parent) as folder, _quietly():
            _quantize(source, windows, Path(folder) / target.name)
            (Path(folder) / target.name).replace(target)
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"Cannot write '{target}': {reason}. Free space or choose another --output.") from error
    except OutputError:
        raise
    except Exception as error:  # ONNX Runtime has errors of its own, for layers that it does not know
        reason = " ".join(str(error).split())[:200]
        raise OutputError(f"This network cannot be quantized: {reason}. Leave --quantize out") from error


def _quantize(source: Path, windows: Sequence[FloatArray], target: Path) -> None:
    import onnx

    import_onnxruntime()
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    graph = onnx.load(str(source)).graph
    kept = outermost(graph)
    if all(node.name in kept for node in graph.node if node.op_type in _KINDS):
        raise OutputError(
            "This network has no convolution but those at its ends, which stay in fp32; leave --quantize out"
        )
    quantize_static(
        str(source),
        str(target),
        _Reader(windows),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=list(_KINDS),
        nodes_to_exclude=kept,
        per_channel=True,
        reduce_range=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
        extra_options={"CalibMovingAverage": True},
    )


def outermost(graph: Any) -> list[str]:
    """Names of the convolutions that no other one stands before, or behind.

    Args:
        graph: Of an ONNX model, its nodes in the order in which they are computed.
    """
    reached, first = {INPUT}, []
    for node in graph.node:
        if reached & set(node.input):
            if node.op_type in _KINDS:
                first.append(node.name)
            elif node.op_type != "Shape":  # to know how large it is, is not to read it
                reached |= set(node.output)
    reached, last = {OUTPUT}, []
    for node in reversed(graph.node):
        if reached & set(node.output):
            if node.op_type in _KINDS:
                last.append(node.name)
            else:
                reached |= set(node.input)
    return list(dict.fromkeys([*first, *last]))


class _Reader:
    """Windows, one after another, as ONNX Runtime asks for them."""

    def __init__(self, windows: Sequence[FloatArray]) -> None:
        self.left: Iterator[FloatArray] = iter(windows)

    def get_next(self) -> dict[str, FloatArray] | None:
        window = next(self.left, None)
        return None if window is None else {INPUT: window}


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without the advice to simplify the model first: torch has done that."""
    log = logging.getLogger()
    log.addFilter(_is_no_advice)
    try:
        yield
    finally:
        log.removeFilter(_is_no_advice)


def _is_no_advice(record: logging.LogRecord) -> bool:
    return "pre-process" not in record.getMessage()
