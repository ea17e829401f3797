"""Which Hausdorff distance: the definitions in use, one row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

HdVariant = Literal["voxel", "pooled", "area"]


@dataclass(frozen=True)
class HausdorffVariant:
    """One of the definitions in use.

    Attributes:
        elements: What a surface consists of, "voxel" or "area"; see ``medseg.metrics.surface``.
        pooled: Whether one percentile is taken over both surfaces; otherwise the larger of the two.
        words: The same as part of a sentence.
    """

    elements: str
    pooled: bool
    words: str


HD_VARIANTS: Mapping[HdVariant, HausdorffVariant] = {
    # MONAI, Metrics Reloaded
    "voxel": HausdorffVariant(
        elements="voxel",
        pooled=False,
        words="the larger of the two directed percentiles of the distances between surface voxels",
    ),
    # MedPy
    "pooled": HausdorffVariant(
        elements="voxel",
        pooled=True,
        words="one percentile of the distances between surface voxels, both directions together",
    ),
    # DeepMind surface-distance
    "area": HausdorffVariant(
        elements="area",
        pooled=False,
        words="the larger of the two directed percentiles of the distances, weighted by surface area",
    ),
}
