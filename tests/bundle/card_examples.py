"""Facts of a small card, for tests of how it is said."""

import re
from dataclasses import replace
from typing import Any

from medseg.bundle.card_facts import (
    CardFacts,
    Demand,
    Export,
    Group,
    Measurement,
    Part,
    Quantised,
    Score,
    Shown,
    Training,
)
from medseg.bundle.validity import LabelLimits, Limits, Validity

HOSTILE = "<script>alert(1)</script>|x|\n## Owned\n![p](http://e/p.png) `\u202e\x00"
PAGE = """# tiny

A network that outlines cores.

| | |
| --- | --- |
| Input | one T1 volume |
| Network | a U-Net of two levels |

## Where it fails

- Whole heads.
- *Old* scans.

## Files
"""
TENSOR: dict[str, Any] = {"modality": "MR", "channel_def": {"0": "t1", "1": "t2"}}
METADATA: dict[str, Any] = {
    "version": "1.2.0",
    "task": "Outlines cores",
    "description": "A U-Net",
    "authors": "A. Author",
    "intended_use": "Research on cores.",
    "data_source": "Some collection",
    "required_packages_version": {"nibabel": "5.4.2", "fire": "0.7.1"},
    "eval_metrics": {},
    "network_data_format": {
        "inputs": {"image": TENSOR},
        "outputs": {"pred": {"channel_def": {"0": "background", "1": "core"}}},
        "post_processed_outputs": {"pred": {"label_def": {"0": "background", "7": "core"}}},
    },
}
DICE = Score(0.9012, 0.8878, 0.9108, 43, 1)
MEASURED = Measurement(
    source="evaluation",
    scores={"core": {"dice": DICE, "nsd": Score(0.976, 0.967, 0.983, 43, 1), "hd95_mm": Score(1.28, 1.17, 1.42, 43)}},
    made="2031-05-04T12:00:00+00:00",
    studies=43,
    patients=31,
    failed=1,
    left_out=2,
    tolerance_mm={"core": 1.5},
    groups=(
        Group("scanner", "core", "dice", "A", Score(0.8, 0.7, 0.9, 20)),
        Group("scanner", "core", "hd95_mm", "A", Score(2.0, 1.0, 3.0, 20)),
        Group("scanner", "core", "dice", "B", Score(0.95, None, None, 3)),
    ),
    worst=(
        Shown(1, "worst", 0.0, "no usable result", "docs/gallery/1-worst.png"),
        Shown(22, "median", 0.9, "core: Dice 0.900", "docs/gallery/22-median.png"),
    ),
    demands=(
        Demand("core", "dice", "min", 0.85, 0.9012, True),
        Demand("core", "hd95_mm", "max", 1.0, 1.28, False),
    ),
    policy="default",
    policy_digest="ab" * 32,
)
TRAINING = Training(
    data="Task04_Hippocampus",
    data_digest="cd" * 32,
    parts=(Part("train", 148, 109), Part("validation", 17, 12), Part("holdout", 43)),
    fold="0",
    folds=5,
    seed=0,
    epochs=445,
    steps=4447,
    weights_epoch=50,
    seconds=2709.2,
    device="cuda:0",
    precision="bf16",
    versions={"torch": "2.13.0"},
    commit="da51706",
    mlflow_run_id="c8555af",
    outcome="stopped",
    started="2031-05-01T12:00:00Z",
)
VALIDITY = Validity(
    studies=165,
    patients=121,
    modality=("MR",),
    spacing_mm={"right": Limits((1.0, 1.2), (0.9, 1.3), (0.5, 2.4))},
    extent_mm={},
    orientation=("RAS", "LPS"),
    orientation_matters=False,
    intensity={"t1": {"p50": Limits((3.0, 9.0)), "median_position": Limits((0.3, 0.6), (0.25, 0.65))}},
    labels={"core": LabelLimits(Limits((1.2, 2.4), (0.9, 3.0)), may_be_absent=False)},
)
FACTS = CardFacts(
    name="tiny",
    version="1.2.0",
    metadata=METADATA,
    weights_sha256="ef" * 32,
    date="2031-05-05",
    page=PAGE,
    window="16 x 16 x 16 voxels",
    licence="Apache-2.0 (`LICENSE`)",
    contact="radiology@example.org",
    training=TRAINING,
    measurement=MEASURED,
    validity=VALIDITY,
    exports=(Export("models/model.onnx", 5_900_000, 1.2e-5, 1.0),),
    quantised=Quantised(
        "models/model_int8.onnx",
        0.27,
        {"fp32": 0.61, "bf16": 0.9},
        {"core": (0.9951, 0.9873)},
        n=16,
        calibrated_on=48,
        golden=0.97,
    ),
    files=("LICENSE", "configs/inference.yaml", "docs/gallery/1-worst.png", "golden/golden.json", "other.bin"),
    signed=True,
)


def section(text: str, title: str) -> str:
    """What stands below a heading."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def hostile() -> CardFacts:
    """Hostile words in every text that comes from elsewhere."""
    score = Score(0.5, None, None, 3)
    texts = ("task", "description", "authors", "intended_use", "data_source")
    data_format = {
        "inputs": {"image": {"modality": HOSTILE, "channel_def": {"0": HOSTILE}}},
        "outputs": {"pred": {"channel_def": {"0": "background", "1": HOSTILE}}},
    }
    metadata = METADATA | dict.fromkeys(texts, HOSTILE) | {"network_data_format": data_format}
    metadata["required_packages_version"] = {HOSTILE: "1"}
    measured = Measurement(
        source="evaluation",
        scores={HOSTILE: {"dice": score}},
        made=HOSTILE,
        tolerance_mm={HOSTILE: 1.0, "b": 2.0},
        groups=(Group(HOSTILE, HOSTILE, HOSTILE, HOSTILE, score),),
        worst=(Shown(1, HOSTILE, 0.1, HOSTILE),),
        demands=(Demand(HOSTILE, HOSTILE, HOSTILE, 1.0, 0.5, met=False),),
        policy=HOSTILE,
        policy_digest=HOSTILE,
        no_pictures=HOSTILE,
    )
    training = Training(
        data=HOSTILE, data_digest=HOSTILE, parts=(Part(HOSTILE, 1),), fold=HOSTILE, device=HOSTILE, precision=HOSTILE,
        versions={HOSTILE: HOSTILE}, commit=HOSTILE, mlflow_run_id=HOSTILE, started=HOSTILE,
    )  # fmt: skip
    validity = replace(VALIDITY, modality=(HOSTILE,), orientation=(HOSTILE,), labels={HOSTILE: VALIDITY.labels["core"]})
    page = f"# x\n\n{HOSTILE}\n\n| Input | {HOSTILE} |\n\n## Where it fails\n\n- {HOSTILE}\n\n[a]: http://e\n"
    return CardFacts(
        HOSTILE, HOSTILE, metadata, HOSTILE, date=HOSTILE, page=page, window=HOSTILE, intended_use=None,
        licence="`LICENSE`", contact=HOSTILE,
        training=training, measurement=measured, validity=validity, exports=(Export(HOSTILE, 1),),
        quantised=Quantised(HOSTILE, 1.0, {HOSTILE: 1.0}, {HOSTILE: (0.5, 0.5)}, 3), files=(HOSTILE,),
    )  # fmt: skip
