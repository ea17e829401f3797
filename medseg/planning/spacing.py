"""The voxel size that all studies are brought to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from medseg.core.in_words import times
from medseg.planning.measures import Triple
from medseg.planning.topology import WAITS

# An axis counts as thick where its voxels are 3 times as long as the others and it has a third of their number, as in
# Isensee et al. 2021 (nnU-Net). There the 10th percentile loses less of the thin-sliced studies than the median does.
THICK = 3.0
THICK_PERCENTILE = 10.0
SAME = 0.01  # relative; spacings this close are one


def target_spacing(
    spacings: Sequence[Triple], shapes: Sequence[Sequence[int]], thin_axis: int | None
) -> tuple[Triple, str]:
    """Voxel size to train at, in mm, and why.

    Args:
        spacings: Of each study along right, front, top.
        shapes: Of each study along the same.
        thin_axis: The one axis of 2D images; it is left as it is and given as -1.
    """
    values, sizes = np.asarray(spacings, np.float64), np.median(np.asarray(shapes, np.float64), axis=0)
    target = np.median(values, axis=0)
    reason = f"median of {_listed(values)}"
    worst = int(np.argmax(target))
    others = [axis for axis in range(3) if axis != worst]
    is_thick = target[worst] > THICK * target[others].max() and sizes[worst] * THICK < sizes[others].min()
    if thin_axis is None and is_thick:
        thick = float(np.percentile(values[:, worst], THICK_PERCENTILE))
        target[worst] = max(thick, float(target[others].max()))
        reason += f"; along the thick axis the {THICK_PERCENTILE:.0f}th percentile"
    if thin_axis is not None:
        target[thin_axis] = -1.0
        reason += "; -1 leaves the thickness of the slice as it is"
    first, second, third = (_rounded(float(length)) for length in target)
    return (first, second, third), reason


def has_thick_slices(spacing_mm: Sequence[float]) -> bool:
    """Whether the voxels of one axis alone are so long that a network waits with it; axes may be short for all that."""
    *_, second, longest = sorted(spacing_mm)
    return longest >= WAITS * second


def resampled(shapes: Sequence[Sequence[int]], spacings: Sequence[Triple], target: Triple) -> list[tuple[int, ...]]:
    """Shapes of the studies at another voxel size; an axis of size -1 keeps its own."""
    return [
        tuple(_resampled(*side) for side in zip(shape, spacing, target, strict=True))
        for shape, spacing in zip(shapes, spacings, strict=True)
    ]


def _resampled(size: int, spacing_mm: float, target_mm: float) -> int:
    """As Spacing of MONAI counts: the centres of the first and the last voxel stay where they are."""
    return size if target_mm < 0 else round((size - 1) * spacing_mm / target_mm + 1)


def _rounded(length: float) -> float:
    """Four significant digits: files store spacings as float32."""
    return float(f"{length:.4g}")


def _listed(values: npt.NDArray[np.float64]) -> str:
    low, high = values.min(0), values.max(0)
    if np.allclose(low, high, rtol=SAME):
        return f"{len(values)} studies, all alike"
    return f"{len(values)} studies from {_rough(low)} to {_rough(high)} mm"


def _rough(row: npt.NDArray[np.float64]) -> str:
    return times(f"{length:.3g}" for length in row)
