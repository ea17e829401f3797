"""How much memory a training takes, by a formula: the same number each time; a probe measures whether it holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from medseg.core.types import Shape
from medseg.planning.networks import Network

# Measured on Linux; docs/explanation/planning.md says how.
PROGRAM_GIB = 0.9  # Python, torch, MONAI and tracking, before the first tensor, in the main memory
BYTES_PER_WEIGHT = 20  # weight, gradient, two averages of AdamW, averaged weight: four bytes each
LOSS_BYTES = 40  # per voxel and class: softmax, one-hot labels and what their gradients need
# Per voxel of the largest study, for each channel and each class, while it is segmented.
STUDY_BYTES = (16, 20)
STUDY_BYTES_ON_GPU = (4, 8)  # the volume in float32; logits and their weighted sum


@dataclass(frozen=True)
class Demand:
    """What a training takes.

    Attributes:
        program_gib: Before the first tensor; 0 on a GPU.
        step_gib: Network and one step.
        study_gib: Segmenting the largest study.
    """

    program_gib: float
    step_gib: float
    study_gib: float

    @property
    def gib(self) -> float:
        """At its highest; steps and studies take turns."""
        return self.program_gib + max(self.step_gib, self.study_gib)

    @property
    def study_decides(self) -> bool:
        """Whether a smaller patch would take as much: it is the largest study that needs it."""
        return self.study_gib >= self.step_gib


def demand(
    network: Network, patch: Shape, batch: int, *, channels: int, classes: int, largest: Shape, device: str
) -> Demand:
    """Memory of a training.

    Args:
        network: What is trained.
        patch: As the network sees it, without an axis of one voxel.
        batch: Patches of a step.
        channels: Of the input.
        classes: Of the output.
        largest: Shape of the largest study.
        device: "cpu", "cuda" or "mps".
    """
    weights = BYTES_PER_WEIGHT * network.parameters / 2**30
    loss = LOSS_BYTES * math.prod(patch) * classes / 2**30
    step = weights + batch * (network.kept_gib(patch) + loss)
    per_channel, per_class = STUDY_BYTES_ON_GPU if device == "cuda" else STUDY_BYTES
    study = math.prod(largest) * (channels * per_channel + classes * per_class) / 2**30
    return Demand(0.0 if device == "cuda" else PROGRAM_GIB, step, weights + study)


def prepared_gib(shapes: Sequence[Shape], channels: int) -> float:
    """Studies kept in memory: each channel in float32, the label in one byte."""
    return sum(math.prod(shape) for shape in shapes) * (4 * channels + 1) / 2**30
