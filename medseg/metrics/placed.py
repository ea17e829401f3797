"""A mask and where it lies in a grid: moved, mirrored and compared without touching the rest of the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from medseg.core.types import BoolArray, Shape
from medseg.metrics.boxes import box_of


@dataclass(frozen=True)
class Cutout:
    """Where in a grid an array was cut out.

    Attributes:
        shape: Of the whole grid.
        start: Index in the grid of the array's first voxel.
    """

    shape: Shape
    start: tuple[int, ...]

    def thickened(self, axis: int) -> Cutout:
        """The same with one more axis, one voxel long."""
        shape, start = list(self.shape), list(self.start)
        shape.insert(axis, 1)
        start.insert(axis, 0)
        return Cutout(tuple(shape), tuple(start))


@dataclass(frozen=True, eq=False)
class PlacedMask:
    """The box around a mask.

    Attributes:
        voxels: Boolean, cut to the box.
        start: Index in the grid of the first voxel of the box; may lie outside after a move.
    """

    voxels: BoolArray
    start: tuple[int, ...]

    @cached_property
    def size(self) -> int:
        """Voxels in the mask."""
        return int(np.count_nonzero(self.voxels))

    @property
    def stop(self) -> tuple[int, ...]:
        """Index after the last voxel of the box."""
        return tuple(first + length for first, length in zip(self.start, self.voxels.shape, strict=True))

    def profile(self, axis: int) -> npt.NDArray[np.intp]:
        """Voxels of the mask in each slice of the box across an axis."""
        others = tuple(other for other in range(self.voxels.ndim) if other != axis)
        counts: npt.NDArray[np.intp] = np.count_nonzero(self.voxels, axis=others)
        return counts

    @cached_property
    def centroid(self) -> npt.NDArray[np.float64]:
        """Mean index in the grid."""
        means = [np.average(np.arange(n), weights=self.profile(axis)) for axis, n in enumerate(self.voxels.shape)]
        return np.asarray(means) + self.start

    def moved(self, steps: Sequence[int]) -> PlacedMask:
        """Carried along by whole voxels, also past the end of the grid."""
        return PlacedMask(self.voxels, tuple(first + step for first, step in zip(self.start, steps, strict=True)))

    def mirrored(self, axis: int, length: int) -> PlacedMask:
        """Mirrored at the middle of an axis of the grid that is so many voxels long."""
        start = list(self.start)
        start[axis] = length - self.stop[axis]
        return PlacedMask(np.flip(self.voxels, axis), tuple(start))


def place(mask: BoolArray, start: tuple[int, ...]) -> PlacedMask | None:
    """The mask in its own box; None if it is empty.

    Args:
        mask: Boolean, (I, J, K).
        start: Index in the grid of its first voxel.
    """
    box = box_of(mask)
    if box is None:
        return None
    return PlacedMask(mask[box], tuple(first + span.start for first, span in zip(start, box, strict=True)))


def shared_voxels(first: PlacedMask, second: PlacedMask) -> int:
    """Voxels that two masks of one grid share."""
    low = np.maximum(first.start, second.start)
    high = np.minimum(first.stop, second.stop)
    if (low >= high).any():
        return 0
    own, other = (
        mask.voxels[tuple(slice(a - s, b - s) for a, b, s in zip(low, high, mask.start, strict=True))]
        for mask in (first, second)
    )
    return int(np.count_nonzero(own & other))


def dice_of(first: PlacedMask, second: PlacedMask) -> float:
    """Dice of two masks of one grid, neither empty."""
    return 2 * shared_voxels(first, second) / (first.size + second.size)
