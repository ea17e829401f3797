"""The end of the postprocessing of a cross-validation's models, chosen on unseen patients."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from medseg.bundle.split_file import CHOSE
from medseg.core.errors import BundleError, DatalistError
from medseg.core.files import write_json
from medseg.core.labels import map_values
from medseg.core.machine import cores
from medseg.metrics.evaluation import Evaluation
from medseg.runs.folder import RunFolder
from medseg.runs.record import read_record
from medseg.steps.label_classes import Labels, labels_of
from medseg.steps.label_maps import find_label_maps
from medseg.steps.label_opening import open_map
from medseg.steps.label_pairs import Pair, pair
from medseg.steps.label_reading import LeftOut, read_pair
from medseg.steps.postprocessing_choice import (
    PostprocessingChoice,
    check_postprocessing,
    choose_postprocessing,
    write_postprocessing,
)
from medseg.steps.postprocessing_trials import LabelledMaps, LabelledStudy
from medseg.steps.task import Task

# Of all label maps that choose, as 110 brains of 1 mm: minutes, and no tighter an interval is needed.
MOST_VOXELS = 10**9
_WORTH_PROCESSES = 10**8  # voxels; below, trying takes seconds, as long as starting processes
AS_PREDICTED = (
    "The scores above are of the label maps as predicted: a choice is not scored on the patients that made it."
)


@dataclass(frozen=True)
class Counted:
    """A study and the voxels of its label map."""

    study: LabelledStudy
    voxels: int


def choose_for_folds(
    task: Task, evaluation: Evaluation, predictions: Path, folds: Sequence[RunFolder], *, say: Callable[[str], None]
) -> dict[str, Any]:
    """Choose steps on the label maps of all folds together, and write what is kept into the bundle of every fold.

    Args:
        task: Says the data and the bundle.
        evaluation: Of these label maps; a study whose prediction failed does not choose.
        predictions: Folder of the label maps, as ``segment_fold`` leaves it.
        folds: Finished runs; the record of each says which studies chose, so that none of them is taken for unseen.
        say: Shows a line to the user.

    Returns:
        What was tried and kept, for run.json.

    Raises:
        DatalistError: A label map cannot be read any more.
        OutputError: A bundle or a record cannot be written.
    """
    counted = _studies(task, evaluation, predictions)
    chosen = affordable(counted, seed=task.recipe.seed)
    many = sum(one.voxels for one in chosen) > _WORTH_PROCESSES
    workers = cores() if many else 1
    say("\nPostprocessing, tried on all label maps")
    choice = choose_postprocessing([one.study for one in chosen], task.bundle, seed=task.recipe.seed, workers=workers)
    say(choice.table())
    if len(chosen) < len(counted):
        say(f"Tried on {len(chosen)} of {len(counted)} studies, drawn by patient: more would take long.")
    written = _write(choice, folds, [one.study.id for one in chosen], say)
    return {**choice.record(), "written": written}


def affordable(counted: Sequence[Counted], *, seed: int) -> list[Counted]:
    """Studies of so many patients, drawn by ``seed``, that their voxels stay below ``MOST_VOXELS``; one at least.

    Args:
        counted: All there are.
        seed: Of the order in which patients are drawn.
    """
    patients = sorted({one.study.patient for one in counted})
    drawn: set[str] = set()
    left = MOST_VOXELS
    for n in np.random.default_rng(seed).permutation(len(patients)):
        left -= sum(one.voxels for one in counted if one.study.patient == patients[n])
        if left < 0 and drawn:
            break
        drawn.add(patients[n])
    return [one for one in counted if one.study.patient in drawn]


def _studies(task: Task, evaluation: Evaluation, predictions: Path) -> list[Counted]:
    made, references = find_label_maps(predictions), find_label_maps(task.cohort.dataset.root)
    labels = labels_of(made, references, task.bundle.labels)
    good = {one.study for one in evaluation.studies if not one.failure}
    value_of = {0: 0} | {n: label.value for n, label in enumerate(task.bundle.labels.labels, 1)}
    return [
        Counted(LabelledStudy(one.study, one.patient, partial(_read, one, labels, value_of)), _voxels(one, labels))
        for one in pair(made, references).pairs
        if one.study in good
    ]


def _voxels(one: Pair, labels: Labels) -> int:
    return math.prod(open_map(one.reference, labels.of_reference(), labels).own_grid.shape)


def _read(one: Pair, labels: Labels, value_of: dict[int, int]) -> LabelledMaps:
    """Both maps of a study in the bundle's values; picklable as a partial."""
    maps = read_pair(one, labels)
    if isinstance(maps, LeftOut):
        raise DatalistError(maps.sentence)
    if maps.prediction is None:
        raise DatalistError(f"study '{one.study}': {maps.failure}")
    prediction, reference = (map_values(array, value_of) for array in (maps.prediction, maps.reference))
    return LabelledMaps(prediction, reference, maps.affine_ras)


def _write(
    choice: PostprocessingChoice, folds: Sequence[RunFolder], chose: Sequence[str], say: Callable[[str], None]
) -> bool:
    """Whether something was kept and written; a bundle that cannot be edited is told of, and stays as it is."""
    if not choice.kept:
        return False
    try:
        for fold in folds:  # all can be edited, or none is
            check_postprocessing(fold.bundle, choice)
    except BundleError as error:
        say(f"It could not be written into the bundles of the folds: {error}")
        return False
    _note(folds, chose)  # first: after a full disk a record may be too careful, never a bundle changed in silence
    for fold in folds:
        write_postprocessing(fold.bundle, choice)
    say(f"Written into the bundles of all {len(folds)} folds. {AS_PREDICTED}")
    return True


def _note(folds: Sequence[RunFolder], chose: Sequence[str]) -> None:
    for fold in folds:
        record = read_record(fold.record)
        write_json(fold.record, {**record, "split": {**record["split"], CHOSE: list(chose)}})
