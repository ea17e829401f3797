"""Where a preprocessed image lies in the volume it came from, read from the trace that MONAI leaves on it.

Stock ``Invertd`` undoes a chain transform by transform, on all classes of the whole volume. Turning, resampling along
the axes and cropping, the geometry of nearly every chain, are one step for each axis: enough to go back plane by plane.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from monai.data import MetaTensor

from medseg.core.types import Affine

T = TypeVar("T", bound=np.generic)

# MONAI 1.6 resamples only where an entry of an affine changes by more (monai.data.utils.AFFINE_TOL).
_SAME_GRID = 1e-3
_CROPS = {"CropForeground", "SpatialCrop", "CenterSpatialCrop", "Crop"}


@dataclass(frozen=True)
class WayBack:
    """From voxels of a preprocessed image to those of its volume.

    The volume's axes are put in the image's order and turned ("turned"), and each is resampled on its own.

    Attributes:
        shape: Of the volume, or of the part of it that was preprocessed.
        order: Axis of the volume for each axis of the image.
        flipped: Whether that axis runs the other way.
        scale: Voxels of the resampled grid to one of the turned volume, along each axis.
        offset: Place of the turned volume's first voxel on the resampled grid.
        grid: Shape of the resampled grid.
        corner: First voxel of the image on that grid; the chain may have cropped it.
        size: Shape of the image.
        whole: Shape of the volume, where a part of it was preprocessed.
        begin: First voxel of that part.
    """

    shape: tuple[int, ...]
    order: tuple[int, ...]
    flipped: tuple[bool, ...]
    scale: tuple[float, ...]
    offset: tuple[float, ...]
    grid: tuple[int, ...]
    corner: tuple[int, ...]
    size: tuple[int, ...]
    whole: tuple[int, ...] = ()
    begin: tuple[int, ...] = (0, 0, 0)

    @property
    def native(self) -> tuple[int, ...]:
        """Shape of the whole volume."""
        return self.whole or self.shape

    def within(self, whole: Sequence[int], begin: Sequence[int]) -> WayBack:
        """The way back into a volume of which this one is a part."""
        return replace(self, whole=tuple(whole), begin=tuple(begin))

    @property
    def keeps_voxels(self) -> bool:
        """Whether nothing is resampled: each voxel of the image is one of the volume."""
        return self.grid == self.turned_shape and all(
            abs(scale - 1) < _SAME_GRID and abs(offset) < _SAME_GRID
            for scale, offset in zip(self.scale, self.offset, strict=True)
        )

    @property
    def turned_shape(self) -> tuple[int, ...]:
        """Shape of the volume with its axes in the image's order."""
        return tuple(self.shape[axis] for axis in self.order)

    def turned(self, array: npt.NDArray[T]) -> npt.NDArray[T]:
        """View of an array on the whole volume's grid, of the part, with its axes as the image's run.

        Writing to it writes to the array.
        """
        part = array[tuple(slice(first, first + side) for first, side in zip(self.begin, self.shape, strict=True))]
        steps = tuple(slice(None, None, -1 if flipped else None) for flipped in self.flipped)
        return part.transpose(self.order)[steps]

    def places(self, axis: int) -> npt.NDArray[np.float64]:
        """For each voxel of the turned volume along an axis, its place on the image's own voxels, ascending.

        Past the resampled grid it is that of the grid's last voxel, as with MONAI's padding mode "border"; where the
        chain cropped something off it stays one voxel before the image or behind it, where there is nothing.
        """
        on_grid = self.scale[axis] * np.arange(self.turned_shape[axis]) + self.offset[axis]
        inside = np.clip(on_grid, 0, self.grid[axis] - 1) - self.corner[axis]
        places: npt.NDArray[np.float64] = np.clip(inside, -1, self.size[axis])
        return places


def way_back(image: MetaTensor, original_affine: Affine, shape: Sequence[int]) -> WayBack | None:
    """The way back of an image that a chain has preprocessed.

    Args:
        image: (C, I, J, K) with its trace.
        original_affine: Of the volume.
        shape: (I, J, K) of the volume.

    Returns:
        None if the chain did anything to the geometry beside turning, resampling linearly and then cropping, in this
        order.
    """
    steps = list(image.applied_operations)
    turning = _take(steps, {"Orientation"})
    resampling = _take(steps, {"SpatialResample"})
    crop = _take(steps, _CROPS)
    if steps or not (_is_linear(resampling) and _only_crops(crop)):
        return None
    corner = [int(n) for n in crop["extra_info"]["cropped"][::2]] if crop else [0, 0, 0]
    grid = tuple(int(n) for n in (crop["orig_size"] if crop else image.shape[1:]))
    resampled_affine = np.asarray(image.affine, np.float64) @ _shift([-n for n in corner])
    turned_affine = np.asarray(resampling["extra_info"]["src_affine"] if resampling else resampled_affine, np.float64)
    if not turning and not np.allclose(turned_affine, original_affine):
        return None
    turn = _from_to(original_affine, turned_affine)[:3, :3].round()
    order = tuple(int(n) for n in np.abs(turn).argmax(axis=1))
    flipped = tuple(bool(turn[n, axis] < 0) for n, axis in enumerate(order))
    resample = _from_to(turned_affine, resampled_affine)
    back = WayBack(
        tuple(int(n) for n in shape),
        order,
        flipped,
        tuple(float(n) for n in np.diag(resample)[:3]),
        tuple(float(n) for n in resample[:3, 3]),
        grid,
        tuple(corner),
        tuple(int(n) for n in image.shape[1:]),
    )
    return back if _is_axis_by_axis(turn, resample, back) else None


def _take(steps: list[Mapping[str, Any]], names: set[str]) -> Mapping[str, Any]:
    """The next step, if it is one of these, and off the list with it."""
    return steps.pop(0) if steps and str(getattr(steps[0]["class"], "value", steps[0]["class"])) in names else {}


def _is_linear(resampling: Mapping[str, Any]) -> bool:
    said = resampling.get("extra_info", {})
    return not said or (said["mode"], said["padding_mode"]) == ("bilinear", "border")


def _only_crops(crop: Mapping[str, Any]) -> bool:
    padded = crop.get("extra_info", {}).get("pad_info", {}).get("extra_info", {}).get("padded", ())
    return not any(any(pair) for pair in padded) and all(n >= 0 for n in crop.get("extra_info", {}).get("cropped", ()))


def _is_axis_by_axis(turn: Affine, resample: Affine, back: WayBack) -> bool:
    """Whether no axis leans on another: less than a thousandth of a voxel from one end to the other."""
    permutes = sorted(back.order) == [0, 1, 2] and np.array_equal(np.abs(turn).sum(axis=0), np.ones(3))
    leaning = (resample[:3, :3] - np.diag(np.diag(resample)[:3])) * np.asarray(back.turned_shape)
    return permutes and bool(np.abs(leaning).max() < _SAME_GRID) and min(back.scale) > 0


def _from_to(one: Affine, other: Affine) -> Affine:
    """From voxels of one grid to those of another."""
    return np.asarray(np.linalg.solve(other, one), np.float64)


def _shift(voxels: Sequence[float]) -> Affine:
    matrix = np.eye(4)
    matrix[:3, 3] = voxels
    return matrix
