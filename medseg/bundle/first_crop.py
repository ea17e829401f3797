"""Whether a preprocessing begins by cropping what is empty, so that the rest of a scan need not go through it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medseg.bundle.contract import middle_transforms
from medseg.bundle.read import Bundle

_CROP = {"_target_", "keys", "source_key", "allow_smaller"}  # any other option changes what is cropped
_TURN = {"_target_", "keys", "axcodes", "labels"}
_SPACE = {"_target_", "keys", "pixdim", "mode"}
_INTENSITY = {"NormalizeIntensityd", "ScaleIntensityRanged", "ScaleIntensityd", "EnsureTyped"}


def first_crop_spacing(bundle: Bundle) -> float | None:
    """Spacing in mm at which a chain crops to voxels above 0 before it does anything but turn the axes.

    On a scan of this spacing along each axis, cropping first and then running the chain gives the same image.

    Args:
        bundle: Any that was read.

    Returns:
        0.0 where the chain crops at any spacing; None where it does not begin so, has spacings that differ, or changes
        the grid after the crop.
    """
    steps = list(middle_transforms(bundle.inference["preprocessing"]))
    spacing = 0.0
    if steps and _is(steps[0], "Orientationd", _TURN):
        steps.pop(0)
    if steps and _is(steps[0], "Spacingd", _SPACE) and steps[0].get("mode", "bilinear") in ("bilinear", ["bilinear"]):
        pixdim = steps.pop(0)["pixdim"]
        sizes = {float(size) for size in pixdim} if isinstance(pixdim, list) else {float(pixdim)}
        spacing = sizes.pop() if len(sizes) == 1 else float("nan")
    if not steps or not _is(steps[0], "CropForegroundd", _CROP) or steps[0]["source_key"] != "image":
        return None
    plain = all(str(step["_target_"]).rpartition(".")[2] in _INTENSITY for step in steps[1:])
    return spacing if plain and spacing == spacing else None


def _is(step: Mapping[str, Any], name: str, known: set[str]) -> bool:
    return str(step["_target_"]) == f"monai.transforms.{name}" and step.keys() <= known
