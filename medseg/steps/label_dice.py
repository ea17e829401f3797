"""How well two label maps of one network agree, label by label: as packaged and here, in fp32 and in eight bits."""

from __future__ import annotations

import numpy as np

from medseg.core.labels import Label, LabelSet
from medseg.core.types import BoolArray, LabelArray
from medseg.metrics.overlap import dice


def mask_of(labels: LabelArray, label: Label) -> BoolArray:
    """Voxels of a label in a label map of written values; of a label whose objects are numbered, all objects."""
    mask: BoolArray = labels > 0 if label.instances else labels == label.value
    return mask


def dice_of_labels(found: LabelArray, expected: LabelArray, labels: LabelSet) -> dict[str, float]:
    """Label name to Dice.

    Args:
        found: Label map of written values, (I, J, K).
        expected: The same, on the same grid.
        labels: Their labels.

    Returns:
        1 for a label that neither map has: to find nothing twice is to agree.
    """
    by_label = {one.name: dice(mask_of(found, one), mask_of(expected, one)) for one in labels.labels}
    return {name: 1.0 if np.isnan(value) else value for name, value in by_label.items()}
