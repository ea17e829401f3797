"""The metrics of an evaluation, one row each: what it is called, in what unit, and where its value comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from medseg.metrics.hausdorff_variants import HD_VARIANTS
from medseg.metrics.lesions import LesionScores
from medseg.metrics.mask_pair import MaskPair
from medseg.metrics.policy import Kind, MetricPolicy


@dataclass(frozen=True)
class Measured:
    """One label or region of one study as measured, before the policy has a say.

    Attributes:
        name: Of the label or region.
        masks: Counts and distances.
        lesions: Lesion by lesion.
        policy: Which definitions and which tolerance.
    """

    name: str
    masks: MaskPair
    lesions: LesionScores
    policy: MetricPolicy

    def hausdorff_mm(self, percentile: float) -> float:
        """Hausdorff distance or a percentile of it, by the policy's variant."""
        return self.masks.hausdorff_mm(percentile, variant=self.policy.hd_variant)

    def assd_mm(self) -> float:
        """Average surface distance, over the surface elements that the policy's Hausdorff distance takes."""
        return self.masks.assd_mm(elements=HD_VARIANTS[self.policy.hd_variant].elements)

    def nsd(self) -> float:
        """Surface Dice at the policy's tolerance."""
        return self.masks.nsd(self.policy.tolerance_of(self.name), elements=self.policy.nsd_weighting)


@dataclass(frozen=True)
class Metric:
    """One row of ``METRICS``.

    Attributes:
        title: As tables show it.
        unit: "mm", "ml" or empty.
        kind: How the policy treats empty masks: see ``medseg.metrics.policy.penalised``.
        better: Which direction is the better one; None where neither is.
        value: Takes it from what was measured.
        by_lesion: Whether the lesion rules have dealt with empty masks already.
        compared: Whether two models are compared by it. Few are: each costs the others power.
    """

    title: str
    unit: str
    kind: Kind
    better: Literal["higher", "lower"] | None
    value: Callable[[Measured], float]
    by_lesion: bool = False
    compared: bool = False


METRICS: Mapping[str, Metric] = {
    "dice": Metric("Dice", "", "share", "higher", lambda m: m.masks.overlap.dice, compared=True),
    "iou": Metric("IoU", "", "share", "higher", lambda m: m.masks.overlap.iou),
    "precision": Metric("Precision", "", "share", "higher", lambda m: m.masks.overlap.precision),
    "recall": Metric("Recall", "", "share", "higher", lambda m: m.masks.overlap.recall),
    "nsd": Metric("Surface Dice", "", "share", "higher", lambda m: m.nsd(), compared=True),
    "hd_mm": Metric("HD", "mm", "distance", "lower", lambda m: m.hausdorff_mm(100.0)),
    "hd95_mm": Metric("HD95", "mm", "distance", "lower", lambda m: m.hausdorff_mm(95.0), compared=True),
    "assd_mm": Metric("ASSD", "mm", "distance", "lower", lambda m: m.assd_mm()),
    "reference_ml": Metric("Reference", "ml", "measure", None, lambda m: m.masks.overlap.reference_ml),
    "prediction_ml": Metric("Prediction", "ml", "measure", None, lambda m: m.masks.overlap.prediction_ml),
    "difference_ml": Metric("Difference", "ml", "measure", None, lambda m: m.masks.overlap.difference_ml),
    "lesion_dice": Metric("Lesion Dice", "", "share", "higher", lambda m: m.lesions.dice, by_lesion=True),
    "lesion_hd95_mm": Metric("Lesion HD95", "mm", "distance", "lower", lambda m: m.lesions.hd95_mm, by_lesion=True),
    "lesion_f1": Metric("Lesion F1", "", "share", "higher", lambda m: m.lesions.f1, by_lesion=True),
    "lesions_matched": Metric("Matched", "", "measure", None, lambda m: m.lesions.matched, by_lesion=True),
    "lesions_missed": Metric("Missed", "", "measure", "lower", lambda m: m.lesions.missed, by_lesion=True),
    "lesions_hallucinated": Metric(
        "Hallucinated", "", "measure", "lower", lambda m: m.lesions.hallucinated, by_lesion=True
    ),
}
