"""What is known of a model when it is packaged: how it was trained, and how good it was on studies it had not seen.

A package leaves the house. So nothing that is meant for it names a patient, a study, or a place on a disk: studies are
counted, or called by their rank.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medseg.bundle.card_facts import Measurement, Part, Training
from medseg.bundle.card_scores import measurement_of_results
from medseg.bundle.packaged_metadata import results_of_holdout
from medseg.bundle.read import Bundle
from medseg.bundle.results import KEY as RESULTS
from medseg.bundle.results import eval_metrics_of
from medseg.bundle.split_file import CHOSE
from medseg.core.errors import BundleError, MedsegError
from medseg.runs.record import read_record, spent_s
from medseg.steps.label_maps import find_label_maps
from medseg.steps.package_scores import Scored, read_scored
from medseg.steps.unseen import split_of

LOG = logging.getLogger("medseg")
_PACKABLE = ("finished", "stopped")
_PARTS = ("train", "validation", CHOSE, "holdout")
NO_PICTURES = "the scans of the evaluation were not at hand when it was packaged."


@dataclass(frozen=True)
class Evidence:
    """What is known of a model.

    Attributes:
        training: How it was trained; None where no one says.
        measurement: How good it is; None where nothing was measured.
        results: The same for metadata.json, as its eval_metrics; empty where nothing was measured.
        pictures: File in the package to PNG.
        notes: What whoever packages should know, one sentence each; these may name places.
    """

    training: Training | None
    measurement: Measurement | None
    results: Mapping[str, Any] = field(default_factory=dict)
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def collect_evidence(
    bundle: Bundle, run: Path | None, evaluation: Path | None, *, data: Path | None = None, pictures: bool = True
) -> Evidence:
    """Look at a run and at an evaluation of its model.

    Args:
        bundle: The model.
        run: Folder of its training; None where it is no run's.
        evaluation: Folder of an evaluation of this very model; None takes what the bundle says of itself, else what
            its training measured on the hold-out.
        data: What it was trained on, where it is no longer where the run's record says; tells how many patients.
        pictures: Whether the worst studies are drawn; such a picture shows slices of a patient.

    Raises:
        BundleError: The run did not end well, or trained another bundle; the evaluation is of another model, nothing
            says of which, or of studies that this model was trained on.
        FileError: The record of the run or a file of the evaluation cannot be read.
    """
    record = {} if run is None else _ended(bundle, run)
    split = split_of(bundle, run)
    scored = None if evaluation is None else read_scored(bundle, evaluation, split)
    places = (data or record.get("data"), None if scored is None else scored.references)
    training = _training(record, split or {}, _patients(places)) if record or split else None
    if scored is None:
        results = dict(bundle.metadata.get(RESULTS) or results_of_holdout(record.get("holdout") or {}))
        return Evidence(training, measurement_of_results(results), results)
    drawn, notes = _pictures(bundle, scored) if pictures else ({}, ())
    measurement = scored.measurement(drawn, no_pictures=NO_PICTURES if notes else "")
    return Evidence(training, measurement, eval_metrics_of(scored.summary), drawn, notes)


def _ended(bundle: Bundle, run: Path) -> dict[str, Any]:
    """The record of a run that ended well.

    Raises:
        BundleError: It did not, or is another bundle's.
        FileError: It cannot be read.
    """
    record = read_record(run / "run.json")
    outcome, name = record.get("outcome"), (record.get("bundle") or {}).get("name")
    if outcome not in _PACKABLE:
        why = f" ({record['reason']})" if record.get("reason") else ""
        raise BundleError(
            f"Run '{run}' is {outcome!r}{why}; a package is made of a training that is finished. "
            f"Go on with it: python -m medseg.train --resume {run}"
        )
    if name != bundle.name:
        raise BundleError(f"Run '{run}' trained bundle '{name}'; the bundle to package is '{bundle.name}'.")
    return record


def _training(record: Mapping[str, Any], split: Mapping[str, Any], patients: Mapping[str, str]) -> Training:
    phantom = bool(record.get("phantom"))
    return Training(
        # The last part of a path says which data it is; the others say how a hospital's disks are laid out.
        data="" if phantom else Path(str(record.get("data") or "")).name,
        data_digest=str(record.get("data_digest") or ""),
        phantom=phantom,
        parts=tuple(_part(name, split[name], patients) for name in _PARTS if split.get(name)),
        fold=str(split.get("fold", "")),
        folds=split.get("folds"),
        seed=record.get("seed", split.get("seed")),
        epochs=record.get("epoch"),
        steps=record.get("steps"),
        weights_epoch=record.get("weights_epoch"),
        seconds=spent_s(record) if record else None,
        device=str(record.get("device") or ""),
        precision=str(record.get("precision") or ""),
        versions=record.get("versions") or {},
        commit=str(record.get("commit") or ""),
        mlflow_run_id=str(record.get("mlflow_run_id") or ""),
        outcome=str(record.get("outcome") or ""),
        started=str((record.get("earlier") or [record])[0].get("started") or ""),
    )


def _part(name: str, studies: Iterable[str], patients: Mapping[str, str]) -> Part:
    ids = list(studies)
    known = {patients[study] for study in ids if study in patients}
    return Part(name, len(ids), len(known) if patients.keys() >= set(ids) else None)


def _patients(places: Iterable[str | Path | None]) -> dict[str, str]:
    """Study to patient, of the data sets that are still where they were."""
    found: dict[str, str] = {}
    for place in dict.fromkeys(Path(place) for place in places if place):
        try:
            found |= {study: file.patient for study, file in find_label_maps(place).files.items()}
        except MedsegError:
            LOG.debug("patients in %s", place, exc_info=True)
    return found


def _pictures(bundle: Bundle, scored: Scored) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Pictures of the worst studies, or why there are none."""
    from medseg.steps.package_gallery import draw_unnamed  # it draws with matplotlib, and often nothing is drawn

    try:
        return draw_unnamed(scored, bundle.labels), ()
    except MedsegError as error:
        return {}, (f"The card has no pictures of the worst studies: {' '.join(str(error).split())}",)
