"""In which order the columns of voxels around a point are searched, and how far in them the next mark is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from medseg.metrics.lattice import REACH, Lattice, Positions, Vector, lengths_mm, squared_lengths_mm2

Ranks = npt.NDArray[np.uint16]
Rises = npt.NDArray[np.uint8]  # voxels along the last axis to the next mark; a high number: none near

UNSEEN = np.uint16(0xFFFF)
_NONE_NEAR = 128  # plus all that is added to it stays within a byte


@dataclass(frozen=True)
class Search:
    """The columns (lines along the last axis) around a point, nearest first, in shells of one distance.

    Attributes:
        offsets: (columns, axes) from the point to each column.
        shells: Which columns make up each shell.
        ranks: (shells, 256) for each shell, and the rise to the next mark in a column of it, where the distance
            stands in ``distance_mm``; ``UNSEEN`` where the rise says that there is none.
        done: (shells,) a point whose best rank is at most this after a shell can find nothing nearer in the next.
        distance_mm: Every distance that the search can settle, rising.
        reach: Voxels to the furthest that matters within a column.
    """

    offsets: Positions
    shells: tuple[slice, ...]
    ranks: Ranks
    done: tuple[int, ...]
    distance_mm: Vector
    reach: int


def sight_of(spacing_mm: tuple[float, ...]) -> float:
    """Distance in mm from which on a voxel may be further than ``REACH`` along some axis."""
    return (REACH + 1) * min(spacing_mm)


@lru_cache(maxsize=64)
def search_order(spacing_mm: tuple[float, ...], sight_mm: float) -> Search:
    """The columns to search at this spacing for everything nearer than this, at most ``sight_of``."""
    offsets, shells = _shells(spacing_mm, sight_mm)
    up = np.zeros((REACH + 1, len(spacing_mm)), np.intp)
    up[:, -1] = np.arange(REACH + 1)
    distance_mm = np.stack([lengths_mm(offsets[shell.start] + up, spacing_mm) for shell in shells])
    distinct, rank = np.unique(distance_mm, return_inverse=True)
    ranks = np.full((len(shells), 256), UNSEEN)
    ranks[:, : REACH + 1] = rank.reshape(distance_mm.shape)
    settled = int(np.searchsorted(distinct, sight_mm))
    done = (*ranks[1:, 0].tolist(), settled - 1)
    return Search(offsets, shells, ranks, done, distinct[:settled], min(REACH, int(sight_mm / spacing_mm[-1])))


def _shells(spacing_mm: tuple[float, ...], sight_mm: float) -> tuple[Positions, tuple[slice, ...]]:
    side = np.arange(-REACH, REACH + 1)
    axes = [side] * (len(spacing_mm) - 1) + [np.zeros(1, np.intp)]
    columns = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(spacing_mm))
    squares_mm2 = squared_lengths_mm2(columns, spacing_mm)
    nearest_first = np.argsort(squares_mm2, kind="stable")[: np.count_nonzero(np.sqrt(squares_mm2) < sight_mm)]
    # By their squares: columns with one root but two squares would not give the same bits further up.
    _, starts = np.unique(squares_mm2[nearest_first], return_index=True)
    ends = [*starts[1:].tolist(), nearest_first.size]
    return columns[nearest_first], tuple(slice(*span) for span in zip(starts.tolist(), ends, strict=True))


def rises(marked: Positions, lattice: Lattice, reach: int) -> Rises:
    """How many voxels along the last axis, up or down, each place is from the next mark.

    Args:
        marked: (n,) places.
        lattice: The line.
        reach: Up to ``REACH``.

    Returns:
        Exact up to the reach, above it where there is none so near. The line begins at ``lattice.beyond``.
    """
    every = np.full(math.prod(lattice.shape) + 2 * lattice.beyond, _NONE_NEAR, np.uint8)
    rise = every[lattice.beyond : -lattice.beyond]
    rise[marked] = 0
    further = np.empty_like(rise)
    step = 1
    while step <= reach:  # 1, 2, 4 and 8 add up to everything that is within reach
        np.add(rise, np.uint8(step), out=further)
        np.minimum(rise[step:], further[:-step], out=rise[step:])
        np.minimum(rise[:-step], further[step:], out=rise[:-step])
        step *= 2
    return every
