"""What a model card tells, as plain values; how it is said is for ``model_card``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from medseg.bundle.validity import Validity

Source = Literal["evaluation", "bundle", "holdout"]


@dataclass(frozen=True)
class Part:
    """Studies with one use in a training.

    Attributes:
        name: "train", "validation", "holdout", or another word of its split.
        studies: How many.
        patients: How many; None where that is not known.
    """

    name: str
    studies: int
    patients: int | None = None


@dataclass(frozen=True)
class Training:
    """How the weights came to be; None and empty where no one says.

    Attributes:
        data: Name of the data, never a path.
        data_digest: SHA-256 of its files.
        phantom: Whether the data was drawn, not measured.
        parts: Who trained and who was held out.
        fold: A number, or "all".
        folds: Of how many.
        seed: Of split, weights and patches.
        epochs: Trained.
        steps: Of the optimiser.
        weights_epoch: Whose weights were kept.
        seconds: Duration, all sittings together.
        device: For example "cuda:0".
        precision: For example "bf16".
        versions: Of software.
        commit: Of medseg.
        mlflow_run_id: Of its run there.
        outcome: "finished", or "stopped" early by patience.
        started: UTC.
    """

    data: str = ""
    data_digest: str = ""
    phantom: bool = False
    parts: tuple[Part, ...] = ()
    fold: str = ""
    folds: int | None = None
    seed: int | None = None
    epochs: int | None = None
    steps: int | None = None
    weights_epoch: int | None = None
    seconds: float | None = None
    device: str = ""
    precision: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    commit: str = ""
    mlflow_run_id: str = ""
    outcome: str = ""
    started: str = ""


@dataclass(frozen=True)
class Score:
    """A mean over studies.

    Attributes:
        mean: None where nothing was scored.
        low: Of the 95 % interval; None where there are too few studies for one.
        high: Of the same.
        n: Studies.
        failed: Of these, without a usable result.
    """

    mean: float | None
    low: float | None
    high: float | None
    n: int
    failed: int = 0


@dataclass(frozen=True)
class Group:
    """One metric of one label or region, in one group of studies.

    Attributes:
        column: By what they are grouped: "size", "scanner".
        label: Label or region.
        metric: "dice", "hd95_mm".
        group: Name of the group.
        score: Its mean.
    """

    column: str
    label: str
    metric: str
    group: str
    score: Score


@dataclass(frozen=True)
class Shown:
    """A study of the evaluation without its id.

    Attributes:
        rank: 1 for the worst.
        place: "worst", or "median" where it is there to compare.
        dice: Mean over labels and regions.
        reason: What is worst about it, or that there is no usable result.
        picture: File of its planes, from docs/ on; empty for none.
    """

    rank: int
    place: str
    dice: float
    reason: str
    picture: str = ""


@dataclass(frozen=True)
class Demand:
    """A threshold that was set before.

    Attributes:
        label: Label or region.
        metric: Of the mean that has to reach it.
        side: "min" or "max".
        limit: In the unit of the metric.
        value: The mean; None where nothing was scored.
        met: Whether it is reached.
    """

    label: str
    metric: str
    side: str
    limit: float
    value: float | None
    met: bool


@dataclass(frozen=True)
class Measurement:
    """How good the model is, as measured on studies it did not see.

    Attributes:
        source: An evaluation, what the bundle says of itself, or the hold-out that its training scored.
        scores: Label or region, then metric ("dice", "nsd", "hd95_mm"), to its mean.
        made: When (UTC); empty where unknown.
        studies: How many were scored, failed ones among them; None where unknown.
        patients: How many patients these are of; None where unknown.
        failed: Without a usable result.
        left_out: With a reference that could not be used.
        tolerance_mm: Label or region to the tolerance of its surface Dice; empty where unknown.
        groups: Tables by group.
        worst: Worst studies first, then one to compare with.
        demands: Thresholds.
        policy: Name of the rules.
        policy_digest: SHA-256 of them.
        maybe_seen: No one says what the model was trained on, so that these may be studies it has seen.
        no_pictures: Why there are none; empty where there are, or none were wanted.
    """

    source: Source
    scores: Mapping[str, Mapping[str, Score]]
    made: str = ""
    studies: int | None = None
    patients: int | None = None
    failed: int = 0
    left_out: int = 0
    tolerance_mm: Mapping[str, float] = field(default_factory=dict)
    groups: tuple[Group, ...] = ()
    worst: tuple[Shown, ...] = ()
    demands: tuple[Demand, ...] = ()
    policy: str = ""
    policy_digest: str = ""
    maybe_seen: bool = False
    no_pictures: str = ""


@dataclass(frozen=True)
class Export:
    """The network in another form.

    Attributes:
        file: In the bundle: "models/model.onnx".
        bytes: Its size.
        largest_difference: Of its output from the network's own, on the shapes that were tried.
        golden_dice: Of its label map of the golden study with that of the network; None where it was not run.
    """

    file: str
    bytes: int
    largest_difference: float | None = None
    golden_dice: float | None = None


@dataclass(frozen=True)
class Quantised:
    """The network in 8-bit numbers.

    Attributes:
        file: In the bundle.
        size_ratio: Bytes of it per byte of the network in fp32, of the same form.
        time_ratios: "fp32" or "bf16" to seconds of it per second of the network in this precision.
        agreement: Label to mean and lowest Dice of its label maps with those of the network in fp32.
        n: Studies of that comparison.
        calibrated_on: Studies that set its ranges; None where that is not known.
        same_studies: Whether the comparison is over these very studies, which flatters it.
        golden: Lowest Dice of a label of the golden study with the network in fp32; None where it was not compared.
    """

    file: str
    size_ratio: float
    time_ratios: Mapping[str, float]
    agreement: Mapping[str, tuple[float, float]]
    n: int
    calibrated_on: int | None = None
    same_studies: bool = False
    golden: float | None = None


@dataclass(frozen=True)
class CardFacts:
    """Everything on a card.

    Attributes:
        name: Of the bundle.
        version: Of the package.
        date: When it was packaged, as text; empty leaves it out.
        metadata: metadata.json of the package.
        page: The page that the bundle had before, for its words about network and failures; empty for none.
        window: Size and overlap in words; empty where MONAI alone knows.
        weights_sha256: Of models/model.pt.
        licence: Of configuration and weights, in words.
        intended_use: As whoever packages it answers for; None means research only.
        contact: Whom to ask; empty for no one.
        training: None where no one says.
        measurement: None where nothing was measured.
        validity: None where there is none.
        exports: Other forms of the network.
        quantised: None for none.
        files: Of the package, from its folder on.
        signed: Whether it will carry a signature.
    """

    name: str
    version: str
    metadata: Mapping[str, Any]
    weights_sha256: str
    date: str = ""
    page: str = ""
    window: str = ""
    licence: str = ""
    intended_use: str | None = None
    contact: str = ""
    training: Training | None = None
    measurement: Measurement | None = None
    validity: Validity | None = None
    exports: tuple[Export, ...] = ()
    quantised: Quantised | None = None
    files: tuple[str, ...] = ()
    signed: bool = False
