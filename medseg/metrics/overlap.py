"""How much two masks share."""

from __future__ import annotations

import math

import numpy as np

from medseg.core.errors import GeometryError
from medseg.core.types import BoolArray


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
    if prediction.shape != reference.shape:
        raise GeometryError(
            f"The prediction has shape {prediction.shape}, the reference {reference.shape}. "
            "Bring both to one grid before scoring."
        )
    total = np.count_nonzero(prediction) + np.count_nonzero(reference)
    if total == 0:
        return math.nan
    return float(2.0 * np.count_nonzero(prediction & reference) / total)
