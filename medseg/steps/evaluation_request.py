"""What the user asks of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from medseg.bundle.trust import NOTHING_SAID, Trust
from medseg.metrics.hausdorff_variants import HdVariant


@dataclass(frozen=True)
class EvaluateRequest:
    """Which predictions are scored against which references, by which rules.

    Attributes:
        output: Folder of the results.
        prediction: Folder of predictions; None where ``data`` is segmented first.
        reference: Folder of references, or a dataset with labels.
        bundle: Name, folder or run; says the labels, and segments ``data``.
        data: Labelled dataset whose hold-out the bundle segments.
        labels: YAML like a bundle's evaluate.yaml, in place of a bundle's.
        policy: Key of ``medseg.metrics.policy.POLICIES``.
        preset: Key of ``medseg.metrics.lesion_rules.LESION_RULES``; None takes the policy's.
        hd_variant: Which Hausdorff distance; None takes the policy's.
        tolerance_mm: Label or region to the tolerance of its surface Dice; wins over the bundle's.
        strata: CSV of study ids and anything to group by.
        against: Folder of an earlier evaluation.
        least: "dice.WT" to "0.85".
        most: "hd95_mm.WT" to "10".
        workers: Processes that score; None takes the cores.
        seed: Of the bootstrap.
        device: That segments ``data``.
        precision: That segments ``data``.
        tracking: Whether the MLflow run of a trained model gets the numbers.
        tracking_uri: Address of that MLflow; None takes that of the training.
        report: Whether the page and its pictures are made, which takes a few seconds.
        update_bundle: Whether the bundle's metadata.json gets the results.
        more_bundles: Further models; the probabilities of all are averaged.
        tta: Whether mirror images are averaged too.
        trust: Who must have signed the bundles, and whether foreign ones may evaluate their expressions.
    """

    output: Path
    prediction: Path | None = None
    reference: Path | None = None
    bundle: str | None = None
    data: Path | None = None
    labels: Path | None = None
    policy: str = "default"
    preset: str | None = None
    hd_variant: HdVariant | None = None
    tolerance_mm: Mapping[str, str] = field(default_factory=dict)
    strata: Path | None = None
    against: Path | None = None
    least: Mapping[str, str] = field(default_factory=dict)
    most: Mapping[str, str] = field(default_factory=dict)
    workers: int | None = None
    seed: int = 0
    device: str = "auto"
    precision: str = "fp32"
    tracking: bool = True
    tracking_uri: str | None = None
    report: bool = True
    update_bundle: bool = False
    more_bundles: tuple[str, ...] = ()
    tta: bool = False
    trust: Trust = NOTHING_SAID
