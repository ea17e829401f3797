"""What is packaged: the trained bundle, the run that made it, and the studies it was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medseg.bundle.read import Bundle
from medseg.bundle.split_file import SEEN
from medseg.core.errors import BundleError, DatalistError
from medseg.core.study import Study
from medseg.recipe.layers import flatten
from medseg.recipe.yaml_file import read_yaml
from medseg.runs.config_file import format_config
from medseg.runs.folder import RunFolder
from medseg.runs.record import read_record
from medseg.steps.data import Cohort, load_cohort
from medseg.steps.given_bundle import given_bundle
from medseg.steps.package_request import PackageRequest
from medseg.steps.unseen import run_of, split_of


@dataclass(frozen=True)
class Source:
    """A trained model as it lies there.

    Attributes:
        bundle: With weights.
        run: Folder of the run that made it; None where it is no run's.
        record: The run's run.json; empty where there is none.
        split: Study ids by part.
    """

    bundle: Bundle
    run: Path | None
    record: Mapping[str, Any]
    split: Mapping[str, Any]


@dataclass(frozen=True)
class Trained:
    """The studies that a model was trained on or chosen by.

    Attributes:
        cohort: They and others.
        studies: They alone.
    """

    cohort: Cohort
    studies: Sequence[Study]

    @property
    def patients(self) -> int:
        """Of how many these studies are."""
        return len({study.patient for study in self.studies})


def open_source(request: PackageRequest) -> Source:
    """The model that a request names.

    Raises:
        BundleError: It has no weights, or no one says what it was trained on.
        FileError: The run's record cannot be read.
    """
    bundle = given_bundle(request.run, request.trust)
    if not bundle.weights.is_file():
        raise BundleError(f"'{request.run}' has no trained weights (models/model.pt); package a run that is finished.")
    run = run_of(bundle, request.run)
    split = split_of(bundle, run)
    if not split:
        raise BundleError(
            f"Nothing says which studies bundle '{bundle.name}' was trained on, so nothing can say what it may be used "
            "on. Package the run that trained it, or write configs/split.json."
        )
    return Source(bundle, run, {} if run is None else read_record(run / "run.json"), split)


def find_trained(source: Source, data: Path | None) -> Trained:
    """The studies of a model's training, read through.

    Args:
        source: The model.
        data: Where they lie; None takes the place that the run's record names.

    Raises:
        DatalistError: They are not there, or are not those that it was trained on.
    """
    place = data or _place(source.record)
    if place is None or not place.exists():
        where = f"are no longer at '{place}'" if place else "lie somewhere that no record names"
        raise DatalistError(
            f"The studies that '{source.bundle.name}' was trained on {where}. They are measured, to say which scans "
            "the package may be used on: give them with --data."
        )
    cohort = load_cohort(place, source.bundle, cache=None)
    digest, found = source.record.get("data_digest"), cohort.inspection.data_digest
    if digest and digest != found:
        raise DatalistError(
            f"'{place}' is not what the model was trained on, or was changed since: its digest is {found[:12]}…, the "
            f"run's record says {str(digest)[:12]}…. Give the data of the training with --data."
        )
    seen = {study for part in SEEN for study in source.split.get(part, ())}
    missing = sorted(seen - {study.id for study in cohort.dataset.studies})
    if missing:
        raise DatalistError(
            f"'{place}' lacks {len(missing)} of the studies that the model was trained on: {missing[0]} …"
        )
    return Trained(cohort, [study for study in cohort.dataset.studies if study.id in seen])


def recipe_text(source: Source) -> str | None:
    """The recipe of the run, each value with whether it is the bundle's; None where the bundle is no run's.

    Names of files that changed it are left out: a package goes to others.
    """
    path = None if source.run is None else RunFolder(source.run).config
    if path is None or not path.is_file():
        return None
    values, own = flatten(read_yaml(path)), source.bundle.train_values or {}
    origins = {
        key: "as in configs/train.yaml" if own.get(key) == value else "of this run" for key, value in values.items()
    }
    return format_config(values, origins, header=("The recipe that these weights were trained by.",))


def _place(record: Mapping[str, Any]) -> Path | None:
    told = record.get("data") or (record.get("request") or {}).get("data")
    return Path(str(told)) if told else None
