"""How unsure networks are of each voxel, from the probabilities of its classes."""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np
import torch

from medseg.core.types import FloatArray, LabelArray
from medseg.engine.native import Planes
from medseg.transforms.way_back import WayBack


class Entropy:
    """Entropy of the probabilities in each voxel, as a share of the most there can be: 0 is sure, 1 is no idea.

    -sum(p log p) / log(classes), Shannon 1948. Of the mean over several networks, mirror images or windows that
    overlap it holds both what each is unsure of and what they disagree about. Where nothing is said it is 0.

    Args:
        back: Where the image lies in the volume.
    """

    def __init__(self, back: WayBack) -> None:
        self.array = np.zeros(back.native, np.float32)
        self._turned = back.turned(self.array)

    def take(self, planes: Planes) -> None:
        """Take some planes of probabilities; at the edge of a crop they add up to less than 1 and are scaled."""
        total = planes.values.sum(0).clamp_min_(torch.finfo(torch.float32).tiny)
        shares = planes.values / total
        entropy = torch.special.entr(shares).sum(0) / math.log(len(shares))
        self._turned[planes.place] = entropy.cpu().numpy()


def mean_in(entropy: FloatArray, labels: LabelArray, values: Collection[int]) -> dict[int, float]:
    """Mean entropy of the voxels of each label; nan for a label that does not occur.

    Args:
        entropy: (I, J, K).
        labels: Written values (I, J, K).
        values: Of the labels.
    """
    found = {value: entropy[labels == value] for value in values}
    return {value: float(own.mean(dtype=np.float64)) if own.size else float("nan") for value, own in found.items()}
