"""The metrics written down a second time, word for word as defined and as slow as that is; and masks to try them on."""

from __future__ import annotations

import itertools
import math

import numpy as np
from scipy import ndimage


def surface_voxels(mask: np.ndarray) -> np.ndarray:
    """Indices of foreground voxels with a face neighbour that is background or outside, one voxel after the other."""
    found = []
    for index in map(tuple, np.argwhere(mask)):
        for axis, step in itertools.product(range(mask.ndim), (-1, 1)):
            other = list(index)
            other[axis] += step
            inside = 0 <= other[axis] < mask.shape[axis]
            if not inside or not mask[tuple(other)]:
                found.append(index)
                break
    return np.array(found, int).reshape(-1, mask.ndim)


def surface_corners(mask: np.ndarray) -> np.ndarray:
    """Indices of voxel corners with foreground and background around them; corner 0 is before voxel 0."""
    padded = np.pad(mask, 1)
    found = []
    for corner in itertools.product(*[range(n + 1) for n in mask.shape]):
        around = padded[tuple(slice(n, n + 2) for n in corner)]
        if around.any() and not around.all():
            found.append(corner)
    return np.array(found, int).reshape(-1, mask.ndim)


def corner_codes(mask: np.ndarray, corners: np.ndarray) -> list[int]:
    """Bit by bit what is around each corner, the voxel before it along every axis being bit 0."""
    padded = np.pad(mask, 1)
    around = [padded[tuple(slice(n, n + 2) for n in corner)].ravel() for corner in corners]
    return [sum(1 << bit for bit, filled in enumerate(voxels) if filled) for voxels in around]


def distances(points: np.ndarray, others: np.ndarray, spacing_mm: tuple[float, ...]) -> np.ndarray:
    """From each point to the nearest of the others: all pairs."""
    if not len(others):
        return np.full(len(points), math.inf)
    offsets = (points[:, None] - others[None]) * np.asarray(spacing_mm)
    return np.sqrt((offsets**2).sum(axis=-1)).min(axis=1)


def weighted_percentile(values: np.ndarray, weights: np.ndarray, percentile: float) -> float:
    """First value, from the smallest, at which the weights so far reach the share."""
    so_far = 0.0
    for value, weight in sorted(zip(values.tolist(), weights.tolist(), strict=True)):
        so_far += weight
        if so_far >= percentile / 100.0 * weights.sum() * (1 - 1e-12):
            return value
    return math.nan


def random_pair(seed: int) -> tuple[np.ndarray, np.ndarray, tuple[float, ...]]:
    """Two small masks, never empty, that touch the border, and a spacing; 3D or 2D: blobs, crumbs, single voxels."""
    rng = np.random.default_rng(seed)
    axes = 2 + seed % 2
    shape = tuple(rng.integers(1, 14 if axes == 3 else 40, axes))
    spacing_mm = (0.5, 0.5, 7.5)[-axes:] if seed % 3 == 0 else tuple(np.round(rng.uniform(0.3, 6.0, axes), 2).tolist())
    pair = [ndimage.gaussian_filter(rng.standard_normal(shape), rng.uniform(0.0, 2.5)) > 0 for _ in range(2)]
    if seed % 5 == 0:
        pair[seed // 5 % 2][:] = False
    for mask in pair:
        if not mask.any():
            mask.flat[rng.integers(mask.size)] = True
    return *pair, spacing_mm
