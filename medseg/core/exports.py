"""Under which names a bundle carries its network beside the weights, for programs that do not build it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

Export = Literal["torchscript", "onnx", "pt2"]
EXPORTS: tuple[Export, ...] = get_args(Export)
# What opens each: torch.jit.load, any runtime of ONNX, torch.export.load; the last is ONNX again, in 8-bit numbers.
EXPORT_FILES: dict[str, Path] = {
    "torchscript": Path("models") / "model.ts",
    "onnx": Path("models") / "model.onnx",
    "pt2": Path("models") / "model.pt2",
    "int8": Path("models") / "model_int8.onnx",
}
