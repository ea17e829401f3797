"""Ways to ask wrongly for an evaluation; each takes a place of its own and gives a command."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from damage import Make, Place, Words

from medseg.core.files import write_json
from medseg.io.nifti import write_labels

LABELS = "labels:\n  anterior: {value: 1}\n  posterior: {value: 2}\n"


def evaluation(*words: object) -> Make:
    """Sound maps, with these words added."""
    return lambda place: [*_sound(place), *words]


def changed(change: Callable[[Path], None], *words: object) -> Make:
    """The same, after the folder that holds predictions/ and references/ was changed."""

    def make(place: Place) -> Words:
        command = _sound(place)
        change(place.root)
        return [*command, *words]

    return make


def onto_predictions(place: Place) -> Words:
    return [*_sound(place), "--output", place.root / "predictions"]


def strata(text: str) -> Make:
    """A table of groups with this text."""
    return lambda place: [*_sound(place), "--strata", place.file("strata.csv", text)]


def labels(text: str) -> Make:
    """A file of labels with this text."""
    return lambda place: [*_sound(place), "--labels", place.file("labels.yaml", text)]


def two_of_one(root: Path) -> None:
    shutil.copy(root / "predictions" / "P1.nii.gz", root / "predictions" / "P1_.nii.gz")
    (root / "predictions" / "P1_.nii.gz").rename(root / "predictions" / "P1.NII.GZ")


def no_predictions(root: Path) -> None:
    shutil.rmtree(root / "predictions")


def other_names(root: Path) -> None:
    for path in sorted((root / "predictions").iterdir()):
        path.rename(path.with_name(f"seg_{path.name}"))


def images_as_references(root: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (8, 8, 8)).astype(np.uint8)
    for path in (root / "references").iterdir():
        write_labels(path, noise, np.eye(4))


def by_brats(place: Place) -> Words:
    """Against an evaluation by another policy."""
    from medseg.evaluate import evaluate
    from medseg.steps.evaluation_request import EvaluateRequest

    command = _sound(place)
    maps = {key: place.root / f"{key}s" for key in ("prediction", "reference")}
    evaluate(EvaluateRequest(place.root / "earlier", **maps, policy="brats", report=False), say=lambda _: None)
    return [*command, "--against", place.root / "earlier"]


def all_seen(place: Place) -> Words:
    """A run that was trained on all of the data."""
    run = place.own_run()
    ids = [path.name.removesuffix(".nii.gz") for path in (place.cohort / "labelsTr").iterdir()]
    write_json(run / "run.json", {"split": {"train": ids, "validation": [], "holdout": []}})
    return ["evaluate", "--bundle", run, "--data", place.cohort]


def _sound(place: Place) -> Words:
    """Three references, and predictions of them."""
    maps = np.zeros((8, 8, 8), np.uint8)
    maps[2:5, 2:6, 2:6], maps[5:7, 2:6, 2:6] = 1, 2
    for folder in ("predictions", "references"):
        (place.root / folder).mkdir()
        for name in ("P1", "P2", "P3"):
            write_labels(place.root / folder / f"{name}.nii.gz", maps, np.eye(4))
    return ["evaluate", "--prediction", place.root / "predictions", "--reference", place.root / "references"]
