"""Where to look: the voxel in the middle of the largest error of a prediction."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from medseg.core.types import BoolArray, LabelArray
from medseg.metrics.boxes import box_of
from medseg.metrics.overlap import same_grid

_MOST_VOXELS = 4_000_000  # of a box that is looked at whole; distances in one of 80 million would fill 2 GiB
_ROUNDING = 1e-9  # voxels; two depths that differ by less are one


def error_site(prediction: LabelArray, reference: LabelArray) -> tuple[int, int, int]:
    """The voxel deepest inside the difference of two label maps.

    Every voxel whose classes differ belongs to the difference. Depth counts voxels to the nearest voxel where the maps
    agree, also beyond the image; an axis along which the whole difference is one voxel thick does not count. Of voxels
    of one depth it is the one whose three planes cut the most of the difference. In a large difference
    every second voxel of each axis is looked at, or every third and so on.

    Args:
        prediction: Label map (I, J, K), uint8.
        reference: On the same grid.

    Returns:
        Its index. Where the maps agree, the deepest voxel of the reference; where that is empty too, the middle of
        the grid.

    Raises:
        GeometryError: The maps differ in shape.
    """
    same_grid(prediction, reference)
    for mask in (prediction != reference, reference > 0):
        box = box_of(mask)
        if box is not None:
            step = _step(mask[box])
            found = _deepest(mask[box][::step, ::step, ::step])
            i, j, k = (span.start + inside * step for span, inside in zip(box, found, strict=True))
            return i, j, k
    i, j, k = (length // 2 for length in reference.shape)
    return i, j, k


def _step(mask: BoolArray) -> int:
    """How many voxels further the next one is looked at; 1 where a larger step would find nothing."""
    step = max(1, math.ceil((mask.size / _MOST_VOXELS) ** (1 / 3)))
    return step if mask[::step, ::step, ::step].any() else 1


def _deepest(mask: BoolArray) -> list[int]:
    """Index of the voxel furthest from any outside the mask."""
    rim = [(1, 1) if length > 1 else (0, 0) for length in mask.shape]
    padded = np.pad(mask, rim)
    depth = ndimage.distance_transform_edt(padded)
    places = np.argwhere(depth >= depth.max() - _ROUNDING) - [before for before, _ in rim]
    counts = [np.count_nonzero(mask, axis=tuple({0, 1, 2} - {axis})) for axis in range(3)]
    cut = sum(count[places[:, axis]] for axis, count in enumerate(counts))
    best: list[int] = places[int(np.argmax(cut))].tolist()
    return best
