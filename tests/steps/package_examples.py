"""A run and label maps of a model with known errors, for tests of what a package tells of them."""

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

from medseg.steps.package_evidence import Evidence

STUDIES = ("MUELLER_HANS_01", "MUELLER_HANS_02", "smith_john", "doe_jane", "roe_richard", "poe_edgar", "lee_ann")
FAILED = "smith_john"


def write_map(path: Path, shift: int) -> None:
    labels = np.zeros((24, 16, 16), np.uint8)
    labels[4 + shift : 12 + shift, 4:12, 4:12] = 1
    labels[12 + shift : 16 + shift, 4:12, 4:12] = 2
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(labels, np.diag([1.0, 1.0, 2.0, 1.0])), path)


def write_predictions(folder: Path, digest: str | None) -> None:
    """What medseg infer leaves: maps that are worse from study to study, one that failed, and a record."""
    told: list[dict[str, Any]] = []
    for n, study in enumerate(STUDIES):
        reason = "no such file /hospital/smith_john.nii.gz" if study == FAILED else None
        if reason is None:
            write_map(folder / f"{study}.nii.gz", n // 2)
        told.append({"study": study, "reason": reason, "labels": {"1": 1, "2": 1}})
    record = {"verb": "infer", "outcome": "finished", "started": "2020-01-01T00:00:00Z", "studies": told}
    (folder / "run.json").write_text(json.dumps({**record, "bundle": {"name": "x", "digest": digest}}))


def write_run(folder: Path, **changes: Any) -> Path:
    record: dict[str, Any] = {
        "outcome": "finished",
        "reason": None,
        "started": "2031-05-02T12:00:00Z",
        "seconds": 600.0,
        "earlier": [{"started": "2031-05-01T12:00:00Z", "seconds": 60.0}],
        "bundle": {"name": "hippocampus_unet3d", "digest": "ab"},
        "data": "/hospital/department/Task04_Hippocampus",
        "data_digest": "cd" * 32,
        "phantom": False,
        "seed": 7,
        "device": "cuda:0",
        "precision": "bf16",
        "versions": {"torch": "2.13.0"},
        "commit": "da51706",
        "mlflow_run_id": "c8555af",
        "split": {"train": ["a", "b", "c"], "validation": ["d"], "holdout": ["e", "f"], "fold": 0, "folds": 5},
        "epoch": 445,
        "steps": 4447,
        "weights_epoch": 50,
        "holdout": {"anterior": {"mean": 0.47, "low": None, "high": None, "n": 2}},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps(record | changes))
    return folder


def every_word(evidence: Evidence) -> str:
    """All that goes into a package, as one text."""
    return repr((evidence.training, evidence.measurement, evidence.results, list(evidence.pictures)))
