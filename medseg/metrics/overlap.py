"""How much two masks share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from medseg.core.errors import GeometryError
from medseg.core.types import BoolArray


@dataclass(frozen=True)
class Overlap:
    """Voxels of a prediction and a reference, counted once, and the scores that follow from the counts.

    Dice, IoU, precision and recall are nan if both masks are empty: there was nothing to find and nothing was found.
    They are 0 if one mask is empty, also where the formula is 0/0: a structure that was missed altogether, or made up,
    must not drop out of a mean.

    Attributes:
        tp: Voxels of both.
        fp: Voxels of the prediction alone.
        fn: Voxels of the reference alone.
        voxel_ml: Volume of one voxel in ml; nan in 2D, and so are then the volumes.

    Source: Metrics Reloaded (Maier-Hein et al. 2024).
    """

    tp: int
    fp: int
    fn: int
    voxel_ml: float = math.nan

    @property
    def dice(self) -> float:
        """2 TP / (2 TP + FP + FN)."""
        return self._share(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def iou(self) -> float:
        """TP / (TP + FP + FN), the Jaccard index."""
        return self._share(self.tp, self.tp + self.fp + self.fn)

    @property
    def precision(self) -> float:
        """TP / (TP + FP), the positive predictive value."""
        return self._share(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float:
        """TP / (TP + FN), the sensitivity."""
        return self._share(self.tp, self.tp + self.fn)

    @property
    def prediction_ml(self) -> float:
        """Volume of the prediction."""
        return (self.tp + self.fp) * self.voxel_ml

    @property
    def reference_ml(self) -> float:
        """Volume of the reference."""
        return (self.tp + self.fn) * self.voxel_ml

    @property
    def difference_ml(self) -> float:
        """Volume of the prediction less that of the reference: positive where too much was segmented."""
        return (self.fp - self.fn) * self.voxel_ml

    def _share(self, part: int, whole: int) -> float:
        if self.tp + self.fp + self.fn == 0:
            return math.nan
        return part / whole if whole else 0.0


def overlap(prediction: BoolArray, reference: BoolArray, spacing_mm: Sequence[float] = ()) -> Overlap:
    """Count what two masks share.

    Args:
        prediction: Boolean mask, any shape.
        reference: Boolean mask on the same grid.
        spacing_mm: Voxel edges, three; without them there are no volumes.

    Raises:
        GeometryError: The masks differ in shape.
    """
    same_grid(prediction, reference)
    tp, p, r = (int(np.count_nonzero(mask)) for mask in (prediction & reference, prediction, reference))
    return Overlap(tp, p - tp, r - tp, math.prod(spacing_mm) / 1000.0 if len(spacing_mm) == 3 else math.nan)


def dice(prediction: BoolArray, reference: BoolArray) -> float:
    """Twice the shared volume over the sum of both volumes.

    Args:
        prediction: Boolean mask, any shape.
        reference: Boolean mask on the same grid.

    Returns:
        0 (nothing shared) to 1 (equal); 0 if one mask is empty; nan if both are, which means
        "not scored": there was nothing to find and nothing was found.

    Raises:
        GeometryError: The masks differ in shape.

    Source: Metrics Reloaded (Maier-Hein et al. 2024), Dice similarity coefficient.
    """
    return overlap(prediction, reference).dice


def same_grid(prediction: npt.NDArray[Any], reference: npt.NDArray[Any]) -> None:
    """Raise unless two arrays have one shape.

    Raises:
        GeometryError: They differ.
    """
    if prediction.shape != reference.shape:
        raise GeometryError(
            f"The prediction has shape {prediction.shape}, the reference {reference.shape}. "
            "Bring both to one grid before scoring."
        )
