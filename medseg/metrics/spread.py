"""How the distances from one surface to another are spread: percentiles and sums, each element by its size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from medseg.metrics.lattice import Vector

# Relative. The last digits of a sum of areas turn on their order; 19 of 20 equal elements must be 95 % all the same.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Spread:
    """Distances from the elements of one surface to the nearest element of another.

    Attributes:
        distance_mm: Distances that occur, rising; inf if the other surface is empty.
        size: Total size of the elements at each. Both are empty if there is no element.
    """

    distance_mm: Vector
    size: Vector

    @property
    def is_empty(self) -> bool:
        """Whether there is no element at all."""
        return self.size.size == 0

    @property
    def total(self) -> float:
        """Size of the whole surface: voxels, mm² or mm."""
        return float(self.size.sum())

    @property
    def moment(self) -> float:
        """Sum of distance times size."""
        return float((self.distance_mm * self.size).sum())

    def within(self, limit_mm: float) -> float:
        """Size of what is not further than this."""
        return float(self.size[self.distance_mm <= limit_mm].sum())

    def linear_percentile(self, percentile: float) -> float:
        """Percentile of elements that count alike, between two of them interpolated, as NumPy does by default."""
        upto = np.cumsum(self.size)
        place = percentile / 100.0 * (upto[-1] - 1.0)
        below, above = self.distance_mm[np.searchsorted(upto, [np.floor(place), np.ceil(place)], side="right")]
        # Between equal distances there is nothing to interpolate, and between infinite ones it would give nan.
        return float(below if below == above else below + (above - below) * (place - np.floor(place)))

    def weighted_percentile(self, percentile: float) -> float:
        """Smallest distance within which at least this share of the size lies."""
        upto = np.cumsum(self.size)
        place = int(np.searchsorted(upto, percentile / 100.0 * upto[-1] * (1.0 - _ROUNDING)))
        return float(self.distance_mm[min(place, self.distance_mm.size - 1)])


def spread_of(distance_mm: Vector, rank: npt.NDArray[np.integer], size: Vector) -> Spread:
    """Gather elements by distance.

    Args:
        distance_mm: (m,) distances.
        rank: (n,) which of them is that of each element.
        size: (n,) of each element, above 0.
    """
    sizes = np.bincount(rank, weights=size, minlength=distance_mm.size).astype(np.float64)
    occurs = np.flatnonzero(sizes)
    rising = occurs[np.argsort(distance_mm[occurs], kind="stable")]
    return Spread(distance_mm[rising], sizes[rising])


def pool(a: Spread, b: Spread) -> Spread:
    """The elements of both."""
    distance_mm = np.concatenate([a.distance_mm, b.distance_mm])
    rising = np.argsort(distance_mm, kind="stable")
    return Spread(distance_mm[rising], np.concatenate([a.size, b.size])[rising])
