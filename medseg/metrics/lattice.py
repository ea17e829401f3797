"""Voxels of a box laid out on one line, so that a neighbour is a fixed step away wherever one stands."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from medseg.core.types import BoolArray, Shape

Positions = npt.NDArray[np.intp]  # places on the line
Vector = npt.NDArray[np.float64]

REACH = 15  # voxels along an axis that may be stepped over without asking where the box ends
_ROOM = REACH + 1  # the corner after the last voxel is a place too


@dataclass(frozen=True)
class Lattice:
    """A box with empty room around it, as one line of voxels.

    The room after a row is also the room before the next. One empty plane stands before the box and one behind.

    Attributes:
        box: Shape of what is placed in it.
        spacing_mm: Voxel edges, as many.
    """

    box: Shape
    spacing_mm: tuple[float, ...]

    @property
    def shape(self) -> Shape:
        """Shape with the room."""
        return (self.box[0] + 2, *(n + _ROOM for n in self.box[1:]))

    @property
    def steps(self) -> tuple[int, ...]:
        """Places from a voxel to the next, along each axis."""
        return tuple(math.prod(self.shape[axis + 1 :]) for axis in range(len(self.box)))

    @property
    def beyond(self) -> int:
        """Places before and behind the line that may be stepped on too, where an array has them."""
        return _ROOM * self.steps[0]

    def place(self, fill: Callable[[BoolArray], object]) -> BoolArray:
        """A line that is empty but for the box.

        Args:
            fill: Writes a mask into an array of the shape of the box.
        """
        room = np.zeros(self.shape, bool)
        fill(room[(slice(1, -1), *(slice(n) for n in self.box[1:]))])
        return room.reshape(-1)

    def coordinates(self, positions: Positions) -> Positions:
        """Voxel indices (n, axes) of places on the line."""
        return np.stack(np.unravel_index(positions, self.shape), axis=-1)


def lengths_mm(offsets: Positions, spacing_mm: tuple[float, ...]) -> Vector:
    """Lengths of offsets in voxels (..., axes): equal offsets give equal bits, wherever the voxels lie."""
    return np.sqrt(squared_lengths_mm2(offsets, spacing_mm))


def squared_lengths_mm2(offsets: Positions, spacing_mm: tuple[float, ...]) -> Vector:
    """Squares of lengths of offsets in voxels (..., axes), added up from the first axis on."""
    return np.asarray(np.square(offsets * np.asarray(spacing_mm)).sum(axis=-1))
