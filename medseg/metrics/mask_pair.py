"""All that two masks, or two label maps, have in common and apart, from one look at each pair."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

import numpy as np

from medseg.core.errors import DatalistError, GeometryError, raise_faults
from medseg.core.types import BoolArray, LabelArray
from medseg.metrics.boxes import Box, box_of, boxes_of_values, join
from medseg.metrics.hausdorff_variants import HD_VARIANTS, HdVariant
from medseg.metrics.lattice import Lattice
from medseg.metrics.overlap import Overlap, overlap, same_grid
from medseg.metrics.surface import SurfaceDistances, distances_on
from medseg.metrics.surface_elements import ELEMENTS


@dataclass(frozen=True)
class MaskPair:
    """A prediction and a reference of one label, counted and measured.

    Attributes:
        overlap: The counts.
        surfaces: The distances, by kind of element ("voxel", "area"); those that were asked for.
    """

    overlap: Overlap
    surfaces: Mapping[str, SurfaceDistances]

    def hausdorff_mm(self, percentile: float = 100.0, *, variant: HdVariant = "voxel") -> float:
        """Hausdorff distance or a percentile of it, by a row of ``HD_VARIANTS``."""
        row = HD_VARIANTS[variant]
        return self.surfaces[row.elements].hausdorff_mm(percentile, pooled=row.pooled)

    def assd_mm(self, *, elements: str = "voxel") -> float:
        """Average symmetric surface distance."""
        return self.surfaces[elements].assd_mm()

    def nsd(self, tolerance_mm: float, *, elements: str = "area") -> float:
        """Surface Dice at a tolerance."""
        return self.surfaces[elements].nsd(tolerance_mm)


def compare_masks(
    prediction: BoolArray,
    reference: BoolArray,
    spacing_mm: Sequence[float],
    *,
    elements: Sequence[str] = tuple(ELEMENTS),
    limits_mm: Mapping[str, float] | None = None,
) -> MaskPair:
    """Overlap and distances of two masks.

    Args:
        prediction: Boolean mask (I, J, K) or (I, J).
        reference: Boolean mask on the same grid.
        spacing_mm: Voxel edges along i, j, k.
        elements: Which distances to measure.
        limits_mm: For kinds of elements of which only surface Dice is wanted, the largest tolerance: {"area": 1.0}.

    Raises:
        GeometryError: The masks differ in shape, or the spacing does not fit them.
    """
    both = _arrays(prediction, reference, spacing_mm)
    limits = _limits(elements, limits_mm)
    return _compare(both, join(box_of(mask) for mask in both.arrays), limits, lambda part, out: np.copyto(out, part))


def compare_labels(
    prediction: LabelArray,
    reference: LabelArray,
    spacing_mm: Sequence[float],
    values: Mapping[str, Sequence[int]],
    *,
    elements: Sequence[str] = tuple(ELEMENTS),
    limits_mm: Mapping[str, float] | None = None,
) -> dict[str, MaskPair]:
    """Overlap and distances of each label and region of two label maps.

    One at a time and within its box, so that memory does not grow with their number.

    Args:
        prediction: Label map (I, J, K) or (I, J).
        reference: Label map on the same grid.
        spacing_mm: Voxel edges along i, j, k.
        values: Name of a label or region to the values it consists of; never 0.
        elements: Which distances to measure.
        limits_mm: For kinds of elements of which only surface Dice is wanted, the largest tolerance: {"area": 1.0}.

    Raises:
        GeometryError: The maps differ in shape, or the spacing does not fit them.
        DatalistError: The maps are not of uint8; the values of a label are not between 1 and 255, or there are none.
    """
    raise_faults("Labels to compare", [*_type_faults(prediction, reference), *_value_faults(values)], DatalistError)
    both = _arrays(prediction, reference, spacing_mm)
    limits = _limits(elements, limits_mm)
    boxes = boxes_of_values(both.arrays, list(values.values()))
    return {
        name: _compare(both, box, limits, partial(_mark, values[name])) for name, box in zip(values, boxes, strict=True)
    }


Array = TypeVar("Array", BoolArray, LabelArray)


@dataclass(frozen=True)
class _Arrays(Generic[Array]):
    """Prediction and reference with their axes in the order in which they lie in memory: a box is read fastest so."""

    arrays: tuple[Array, Array]
    spacing_mm: tuple[float, ...]


def _arrays(prediction: Array, reference: Array, spacing_mm: Sequence[float]) -> _Arrays[Array]:
    same_grid(prediction, reference)
    axes = prediction.ndim
    if axes not in (2, 3):
        raise GeometryError(f"A surface is measured in 2 or 3 dimensions; the masks have the shape {prediction.shape}.")
    if len(spacing_mm) != axes or not all(0.0 < edge < math.inf for edge in spacing_mm):
        raise GeometryError(
            f"The spacing is {tuple(spacing_mm)}; masks of shape {prediction.shape} need {axes} voxel edges above 0 mm."
        )
    order = sorted(range(axes), key=lambda axis: -abs(reference.strides[axis]))
    spacing = tuple(float(spacing_mm[axis]) for axis in order)
    return _Arrays((prediction.transpose(order), reference.transpose(order)), spacing)


def _compare(
    both: _Arrays[Array], box: Box | None, limits: Mapping[str, float], mark: Callable[[Array, BoolArray], object]
) -> MaskPair:
    if box is None:  # any voxel will do: it is background in both
        box = (slice(1),) * len(both.spacing_mm)
    parts = [array[box] for array in both.arrays]
    lattice = Lattice(parts[0].shape, both.spacing_mm)
    prediction, reference = (lattice.place(partial(mark, part)) for part in parts)
    surfaces = {kind: distances_on(lattice, prediction, reference, kind, limit_mm=mm) for kind, mm in limits.items()}
    return MaskPair(overlap(prediction, reference, both.spacing_mm), surfaces)


def _limits(elements: Sequence[str], limits_mm: Mapping[str, float] | None) -> dict[str, float]:
    return {kind: (limits_mm or {}).get(kind, math.inf) for kind in elements}


def _type_faults(*maps: LabelArray) -> list[str]:
    return [f"a label map is of {labels.dtype}; make it uint8" for labels in maps if labels.dtype != np.uint8]


def _value_faults(values: Mapping[str, Sequence[int]]) -> list[str]:
    return [
        f"'{name}' has the values {tuple(listed)}; give at least one, each between 1 and 255 (0 is background)"
        for name, listed in values.items()
        if not listed or not all(1 <= value <= 255 for value in listed)
    ]


def _mark(values: Sequence[int], labels: LabelArray, out: BoolArray) -> None:
    part = np.ascontiguousarray(labels)  # read and written row by row once only, whatever the number of values
    mask = part == values[0]
    for value in values[1:]:
        mask |= part == value
    np.copyto(out, mask)
