"""Straighten a series taken with a tilted gantry: every slice is moved back sideways within its plane."""

from __future__ import annotations

import numpy as np

from medseg.core.types import Affine, FloatArray, Shape


def straighten(
    planes: FloatArray, affine_ras: Affine, drift_mm: tuple[float, float], background: float
) -> tuple[FloatArray, Affine]:
    """Slices of a sheared stack on an orthogonal grid with the same voxel size, large enough for all of them.

    A tilt shears the stack: slice k lies k times the drift sideways of where an orthogonal grid has it. Only
    in-plane linear interpolation is needed, so values between slices are never mixed.

    Args:
        planes: (K, J, I).
        affine_ras: (4, 4), voxel (i, j, k) of the orthogonal grid through the first slice to RAS+ mm.
        drift_mm: Sideways drift per slice along i and j.
        background: Fills what no slice covers.

    Returns:
        Planes (K, J', I') as float32 and the affine of the larger grid.
    """
    count, rows, columns = planes.shape
    (size_i, size_j, _), affine = straight_grid((columns, rows, count), affine_ras, drift_mm)
    shifts = _shifts(count, affine_ras, drift_mm)
    low = np.floor(shifts.min(axis=0)).astype(int)
    straight = np.full((count, size_j, size_i), background, np.float32)
    for k in range(count):
        moved = _shifted(
            _shifted(planes[k], shifts[k, 1] - low[1], size_j, background).T, shifts[k, 0] - low[0], size_i, background
        ).T
        straight[k] = moved
    return straight, affine


def straight_grid(shape: Shape, affine_ras: Affine, drift_mm: tuple[float, float]) -> tuple[Shape, Affine]:
    """Shape (I', J', K) and affine of the grid that ``straighten`` fills; arguments as there, (I, J, K) for planes."""
    shifts = _shifts(shape[2], affine_ras, drift_mm)
    low = np.floor(shifts.min(axis=0)).astype(int)
    high = np.ceil(shifts.max(axis=0)).astype(int)
    affine = affine_ras.copy()
    affine[:3, 3] += affine_ras[:3, :2] @ low
    return (int(shape[0] + high[0] - low[0]), int(shape[1] + high[1] - low[1]), shape[2]), affine


def _shifts(count: int, affine_ras: Affine, drift_mm: tuple[float, float]) -> FloatArray:
    """Voxels along i and j by which each slice is moved (K, 2)."""
    spacing = np.linalg.norm(affine_ras[:3, :2], axis=0)
    # Rounded, so that the last digits of printed positions add no row of background.
    return np.asarray(np.round(np.outer(np.arange(count), np.asarray(drift_mm) / spacing), 4))


def _shifted(plane: FloatArray, by: float, size: int, background: float) -> FloatArray:
    """A plane moved by ``by`` >= 0 rows into ``size`` rows, linear between rows."""
    whole = int(np.floor(by))
    share = by - whole
    padded = np.full((size + 1, plane.shape[1]), background, np.float64)
    padded[whole : whole + len(plane)] = plane
    if share == 0:
        return padded[:size]
    return np.asarray((1 - share) * padded[:size] + share * np.vstack([padded[-1:], padded[: size - 1]]))
