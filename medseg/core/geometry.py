"""Where voxels lie in the patient: spacing, orientation, and whether two grids are one."""

from __future__ import annotations

import numpy as np

from medseg.core.types import Affine, Shape

# Two grids are one when no corner moves by more than this share of the smallest voxel edge.
# Writers round affines to float32, which moves a corner of a 512-voxel grid by about 1e-4 voxels;
# a real half-voxel shift is 500 times the limit.
GRID_TOLERANCE_VOXELS = 1e-3
MIN_SPACING_MM = 1e-3  # a voxel edge of one micrometre is not a patient scan; 0 is a damaged header
MAX_SPACING_MM = 100.0  # thicker than any slice; such a header is in other units
# Cosine between two voxel axes. Affines in float32 reach 1e-6; a gantry tilt of 1 degree is 1.7e-2.
ORTHOGONAL_TOLERANCE = 1e-3

# A picture lies nowhere in a patient. Its place is a convention, that of ITK: pixels of 1 mm, columns (i) run to the
# patient's left and rows (j) to the back, so that planes are drawn as the picture is seen.
PICTURE_RAS: Affine = np.diag([-1.0, -1.0, 1.0, 1.0])

_CODES = (("L", "R"), ("P", "A"), ("I", "S"))


def spacing_of(affine_ras: Affine) -> tuple[float, float, float]:
    """Voxel edge lengths along i, j, k, in mm."""
    lengths = np.linalg.norm(affine_ras[:3, :3], axis=0)
    return float(lengths[0]), float(lengths[1]), float(lengths[2])


def voxel_ml(affine_ras: Affine) -> float:
    """Volume of one voxel in millilitres (cubic centimetres)."""
    return abs(float(np.linalg.det(affine_ras[:3, :3]))) / 1000.0


def axis_codes(affine_ras: Affine) -> str:
    """Nearest anatomical direction of each voxel axis, for example "RAS" or "LPS".

    Assigns greedily from the strongest cosine so that no direction is named twice.
    """
    cosines = affine_ras[:3, :3] / np.maximum(np.linalg.norm(affine_ras[:3, :3], axis=0), 1e-12)
    codes = ["?"] * 3
    free = np.abs(cosines)
    for _ in range(3):
        world, axis = np.unravel_index(int(np.argmax(free)), free.shape)
        codes[axis] = _CODES[world][int(cosines[world, axis] > 0)]
        free[world, :] = -1.0
        free[:, axis] = -1.0
    return "".join(codes)


def affine_fault(affine_ras: Affine) -> str | None:
    """Why this affine cannot place a volume, in one sentence; None if it can.

    Checks: finite, spacing between ``MIN_SPACING_MM`` and ``MAX_SPACING_MM``, axes orthogonal.
    """
    if affine_ras.shape != (4, 4) or not np.isfinite(affine_ras).all():
        return "the affine holds values that are not finite numbers"
    spacing = spacing_of(affine_ras)
    if not all(MIN_SPACING_MM <= s <= MAX_SPACING_MM for s in spacing):
        listed = " x ".join(f"{s:g}" for s in spacing)
        return f"the spacing is {listed} mm; each must lie between {MIN_SPACING_MM:g} and {MAX_SPACING_MM:g}"
    cosines = affine_ras[:3, :3] / np.asarray(spacing)
    worst = float(np.abs(cosines.T @ cosines - np.eye(3)).max())
    if worst > ORTHOGONAL_TOLERANCE:
        return f"the voxel axes are not at right angles (cosine {worst:.3g}, limit {ORTHOGONAL_TOLERANCE:g})"
    return None


def grid_difference(shape_a: Shape, affine_a: Affine, shape_b: Shape, affine_b: Affine) -> str | None:
    """How two grids differ, in one phrase; None if voxel (i, j, k) is the same point in both.

    Shapes are spatial, (I, J, K). Corners are compared, so that an error in the rotation counts
    where it is largest.
    """
    if tuple(shape_a) != tuple(shape_b):
        return f"shape {_times(shape_a)} against {_times(shape_b)}"
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape_a], indexing="ij")).reshape(3, -1)
    corners = np.vstack([corners, np.ones(corners.shape[1])])
    distance_mm = float(np.linalg.norm(((affine_a - affine_b) @ corners)[:3], axis=0).max())
    limit_mm = GRID_TOLERANCE_VOXELS * min(*spacing_of(affine_a), *spacing_of(affine_b))
    if distance_mm > limit_mm:
        return f"corners lie {distance_mm:.4g} mm apart (limit {limit_mm:.2g} mm)"
    return None


def is_picture_grid(shape: Shape, affine_ras: Affine) -> bool:
    """Whether a grid (I, J, K) is that of a picture, so that millimetres and directions on it mean nothing."""
    return shape[-1] == 1 and bool(np.array_equal(affine_ras, PICTURE_RAS))


def _times(shape: Shape) -> str:
    return "x".join(str(n) for n in shape)
