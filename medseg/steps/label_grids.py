"""What may have gone wrong where two label maps of one shape lie on different grids."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np

from medseg.core.geometry import axis_codes, grid_difference, spacing_of
from medseg.core.types import Affine, Shape

_HALF_TURN = np.diag([-1.0, -1.0, 1.0, 1.0])  # LPS against RAS
_SAME_TURN = 1e-4  # between voxel axes in mm; affines are stored in float32


def other_grid(shape: Shape, affine_ras: Affine, reference_shape: Shape, reference_ras: Affine) -> str | None:
    """How a prediction's grid differs from its reference's, in a sentence without a subject; None where it does not."""
    difference = grid_difference(shape, affine_ras, reference_shape, reference_ras)
    if difference is None:
        return None
    hint = _hint(shape, affine_ras, reference_shape, reference_ras)
    return f"is on another grid: {difference}" + (f"; {hint}" if hint else "")


def _hint(shape: Shape, affine_ras: Affine, reference_shape: Shape, reference_ras: Affine) -> str:
    if _is_reordered(shape, affine_ras, reference_shape, reference_ras):
        axes = f"{axis_codes(affine_ras)} against {axis_codes(reference_ras)}"
        return f"the same voxels in another order ({axes}), so reorient it"
    if tuple(shape) != tuple(reference_shape):
        return ""
    if grid_difference(shape, _HALF_TURN @ affine_ras, shape, reference_ras) is None:
        return "x and y have the opposite sign, as where LPS was written for RAS; write it with the reference's affine"
    if np.allclose(affine_ras[:3, :3], reference_ras[:3, :3], atol=_SAME_TURN):
        return "only the origin differs, so its header or its voxels were moved"
    if np.allclose(np.abs(spacing_of(affine_ras)), spacing_of(reference_ras), atol=_SAME_TURN):
        return "shape and spacing agree, so its header may have lost origin and direction"
    return ""


def _is_reordered(shape: Shape, affine_ras: Affine, reference_shape: Shape, reference_ras: Affine) -> bool:
    """Whether mirroring and swapping axes makes one grid of the two."""
    for order, mirrored in product(permutations(range(3)), product((False, True), repeat=3)):
        if tuple(shape[axis] for axis in order) != tuple(reference_shape):
            continue
        turn = np.zeros((4, 4))
        turn[3, 3] = 1.0
        for new, (old, mirror) in enumerate(zip(order, mirrored, strict=True)):
            turn[old, new] = -1.0 if mirror else 1.0
            turn[old, 3] = shape[old] - 1 if mirror else 0.0
        if grid_difference(reference_shape, affine_ras @ turn, reference_shape, reference_ras) is None:
            return True
    return False
