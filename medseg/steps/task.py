"""What is trained on what, once everything has been checked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import torch

from medseg.bundle.read import Bundle
from medseg.bundle.split_file import CHOSE
from medseg.core.errors import DatalistError
from medseg.core.recipe import Recipe
from medseg.core.split import Split, split_by_patient
from medseg.engine.device import Precision
from medseg.engine.distributed import World
from medseg.recipe.layers import Resolved
from medseg.steps.data import Cohort
from medseg.steps.request import TrainRequest


@dataclass(frozen=True)
class Task:
    """A training that may begin.

    Attributes:
        request: As the user gave it.
        bundle: The model.
        resolved: Its recipe.
        cohort: The data.
        split: Who trains, validates, is held out.
        world: The processes.
        device: Where to compute.
        precision: With which arithmetic.
        began_s: When the command began, on the scale of time.monotonic.
        chose: Studies whose label maps chose the bundle's postprocessing, in an earlier cross-validation.
    """

    request: TrainRequest
    bundle: Bundle
    resolved: Resolved
    cohort: Cohort
    split: Split
    world: World
    device: torch.device
    precision: Precision
    began_s: float
    chose: tuple[str, ...] = ()

    @property
    def recipe(self) -> Recipe:
        """The typed recipe."""
        return self.resolved.recipe

    @property
    def split_record(self) -> dict[str, Any]:
        """Who does what, for run.json: none of those who chose counts as unseen, whatever is trained anew."""
        return self.split.as_dict() | ({CHOSE: list(self.chose)} if self.chose else {})

    @property
    def scores_holdout(self) -> bool:
        """Whether there is a hold-out and it is scored at the end."""
        return self.request.score_holdout and bool(self.split.holdout)


def split_of(cohort: Cohort, recipe: Recipe, fold: int | None) -> Split:
    """Who of a cohort trains, validates and is held out in a fold; None holds no one out.

    Raises:
        DatalistError: As ``split_by_patient``.
    """
    return split_by_patient(
        cohort.dataset.studies,
        fold=fold,
        folds=recipe.split.folds,
        validation_share=recipe.split.validation_share,
        seed=recipe.seed,
    )


def check_choosers(cohort: Cohort, split: Split, chose: Collection[str]) -> None:
    """Refuse to hold out patients by whom the bundle's postprocessing was chosen: their scores would flatter it.

    Args:
        cohort: The data.
        split: Who is held out.
        chose: Studies whose label maps chose.

    Raises:
        DatalistError: Some of them, or of their patients, are held out.
    """
    patient_of = {study.id: study.patient for study in cohort.dataset.studies}
    patients = {patient_of[study] for study in chose if study in patient_of}
    held_out = [study for study in split.holdout if patient_of[study] in patients]
    if held_out:
        raise DatalistError(
            f"{len(held_out)} of the {len(split.holdout)} studies to hold out chose the bundle's postprocessing "
            f"({held_out[0]}, …); scored on them it would look better than it is. Give --fold all, or the bundle that "
            "the cross-validation began with."
        )


def split_line(split: Split) -> str:
    """Who does what, for a terminal."""
    held_out = f"{len(split.holdout)} held out" if split.holdout else "none held out, so nothing will be measured"
    which = f"fold {split.fold_name}" if split.fold is None else f"fold {split.fold} of {split.folds}"
    return (
        f"split     {len(split.train)} train, {len(split.validation)} validate, {held_out} ({which}, seed {split.seed})"
    )
