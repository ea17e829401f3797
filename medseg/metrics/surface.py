"""How far the surfaces of two masks are apart: Hausdorff distance, its percentiles, ASSD and surface Dice.

A surface is a set of elements, each with a size; the distance of an element is that to the nearest element of the other
surface. All scores come from these distances. There are two kinds of elements:

voxel  foreground voxels with a background voxel across a face, each of size 1: as in MONAI's Hausdorff distance and
       average surface distance, MedPy and Metrics Reloaded.
area   voxel corners between foreground and background, each with the area in mm² that marching cubes draws there: as in
       DeepMind's surface-distance, and MONAI's surface Dice with ``use_subvoxels``. A face of a voxel 5 mm thick then
       counts for five of 1 mm.

In 2D pixels with four neighbours, and lengths in mm, take their places. Outside the image is background.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from medseg.core.types import BoolArray
from medseg.metrics.lattice import Lattice
from medseg.metrics.nearest import nearest
from medseg.metrics.spread import Spread, pool, spread_of
from medseg.metrics.surface_elements import ELEMENTS, Elements

# Relative. A header in float32 gives a spacing of 0.8 as 0.800000012; two voxels must still lie within 1.6 mm.
TOLERANCE_SLACK = 1e-6


@dataclass(frozen=True)
class SurfaceDistances:
    """Distances between the surfaces of a prediction and a reference, both ways.

    Every score is nan if both masks are empty. If one is, distances are inf and surface Dice is 0: what stands for inf
    in a mean is for a policy to say.

    Attributes:
        elements: "voxel" or "area".
        of_prediction: From the elements of the prediction P to the reference R.
        of_reference: From the elements of the reference to the prediction.
        limit_mm: Distances beyond may have been left at inf; then there is surface Dice up to this tolerance only.
    """

    elements: str
    of_prediction: Spread
    of_reference: Spread
    limit_mm: float = math.inf

    def hausdorff_mm(self, percentile: float = 100.0, *, pooled: bool = False) -> float:
        """Distance within which a share of the surfaces lies of each other: max(Q d(p, R), Q d(r, P)), Q a percentile.

        Args:
            percentile: 100 for the Hausdorff distance, 95 for HD95.
            pooled: Q over the distances of both surfaces together.

        Returns:
            Millimetres. A percentile of voxels is interpolated linearly; that of areas is the smallest distance within
            which at least so much of the area lies.

        Raises:
            ValueError: The percentile is not one, or distances were measured up to a limit only.

        Source: Metrics Reloaded (Maier-Hein et al. 2024), Hausdorff distance percentile; of areas, Nikolov et al. 2018.
        """
        if not 0.0 <= percentile <= 100.0:
            raise ValueError(f"the percentile is {percentile}; it must lie between 0 and 100")
        self._need(math.inf)
        sides = [pool(*self._sides)] if pooled else self._sides
        rule = Spread.linear_percentile if self.elements == "voxel" else Spread.weighted_percentile
        return max((rule(side, percentile) for side in sides if not side.is_empty), default=math.nan)

    def assd_mm(self) -> float:
        """Average symmetric surface distance: (Σ d(p, R) + Σ d(r, P)) / (|P| + |R|), each element by its size.

        Raises:
            ValueError: Distances were measured up to a limit only.

        Source: Metrics Reloaded (Maier-Hein et al. 2024), average symmetric surface distance.
        """
        self._need(math.inf)
        total = sum(side.total for side in self._sides)
        return sum(side.moment for side in self._sides) / total if total else math.nan

    def nsd(self, tolerance_mm: float) -> float:
        """Normalised surface distance (surface Dice): the share of both surfaces within a tolerance of the other.

        (|{p: d(p, R) <= t}| + |{r: d(r, P) <= t}|) / (|P| + |R|), each element by its size.

        Args:
            tolerance_mm: t. What is further by less than ``TOLERANCE_SLACK`` of it counts as within.

        Returns:
            0 to 1.

        Raises:
            ValueError: The tolerance is negative, or beyond the limit of what was measured.

        Source: Nikolov et al. 2018, Deep learning to achieve clinically applicable segmentation of head and neck
        anatomy for radiotherapy.
        """
        if not tolerance_mm >= 0.0:
            raise ValueError(f"the tolerance is {tolerance_mm} mm; it must not be negative")
        self._need(tolerance_mm)
        total = sum(side.total for side in self._sides)
        within = sum(side.within(tolerance_mm * (1.0 + TOLERANCE_SLACK)) for side in self._sides)
        return within / total if total else math.nan

    def _need(self, distance_mm: float) -> None:
        if distance_mm > self.limit_mm:
            raise ValueError(f"distances were measured up to {self.limit_mm} mm only; measure them without that limit")

    @property
    def _sides(self) -> tuple[Spread, Spread]:
        return self.of_prediction, self.of_reference


def distances_on(
    lattice: Lattice, prediction: BoolArray, reference: BoolArray, elements: str, *, limit_mm: float = math.inf
) -> SurfaceDistances:
    """Distances between the surfaces of two masks on one line.

    Args:
        lattice: The line.
        prediction: Made by ``lattice.place``.
        reference: Another.
        elements: "voxel" or "area".
        limit_mm: The largest tolerance that will be asked for, where nothing else will be.
    """
    p, r = (ELEMENTS[elements](mask, lattice) for mask in (prediction, reference))
    upto_mm = limit_mm * (1.0 + TOLERANCE_SLACK)
    return SurfaceDistances(elements, _directed(p, r, lattice, upto_mm), _directed(r, p, lattice, upto_mm), limit_mm)


def _directed(of: Elements, to: Elements, lattice: Lattice, upto_mm: float) -> Spread:
    found = nearest(of.points, to.points, lattice, limit_mm=upto_mm)
    return spread_of(found.distance_mm, found.rank, of.size)
