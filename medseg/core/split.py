"""Who trains, who chooses the checkpoint, who is only reported on: a split by patient."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from medseg.core.errors import DatalistError
from medseg.core.in_words import counted
from medseg.core.study import Study

EVERYONE = "all"  # in place of a fold's number: no one is held out


@dataclass(frozen=True)
class Split:
    """Study ids of the three parts.

    Attributes:
        train: Seen by the optimiser.
        validation: Choose the best checkpoint and stop early; never trained on.
        holdout: Scored once, at the end; neither trained on nor chosen by. Empty where no one is held out.
        fold: Which of the ``folds`` parts is the hold-out; None holds none out.
        folds: Number of parts.
        seed: Seed of the shuffle.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    holdout: tuple[str, ...]
    fold: int | None
    folds: int
    seed: int

    @property
    def fold_name(self) -> str:
        """The fold as ``--fold`` takes it: a number, or "all"."""
        return EVERYONE if self.fold is None else str(self.fold)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        plain = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}
        return {**plain, "fold": EVERYONE if self.fold is None else self.fold}


def split_by_patient(
    studies: Sequence[Study], *, fold: int | None, folds: int, validation_share: float, seed: int
) -> Split:
    """Split studies so that all studies of a patient are in one part.

    The patients are shuffled with ``seed`` and dealt to ``folds`` parts in turn, so part sizes differ
    by one patient at most and the parts are the same for every fold. Of the remaining patients,
    ``validation_share`` (one at least) choose the checkpoint.

    Args:
        studies: At least three patients; two where no one is held out.
        fold: 0 to ``folds`` - 1; None holds no one out, and all who do not choose the checkpoint train.
        folds: Number of parts; lowered to the number of patients where there are fewer.
        validation_share: Share of the patients outside the hold-out, between 0 and 1.
        seed: Seed of the shuffle.

    Raises:
        DatalistError: Too few patients, ``fold`` is not one of the folds, or no patient is left to train on.
    """
    patients = sorted({study.patient for study in studies})
    _check_number(len(patients), everyone=fold is None)
    folds = min(folds, len(patients))
    if fold is not None and not 0 <= fold < folds:
        raise DatalistError(f"fold {fold} does not exist; with {len(patients)} patients choose 0 to {folds - 1}")
    random.Random(seed).shuffle(patients)
    holdout = set() if fold is None else set(patients[fold::folds])
    rest = [patient for patient in patients if patient not in holdout]
    if len(rest) < 2:
        raise DatalistError(
            f"fold {fold} of {folds} holds out {len(holdout)} of {len(patients)} patients; the one left cannot both "
            "train and validate. Set split.folds to 3 or more, or give more patients"
        )
    validation = set(rest[: max(1, round(validation_share * len(rest)))])
    parts: dict[str, list[str]] = {"train": [], "validation": [], "holdout": []}
    for study in studies:
        part = "holdout" if study.patient in holdout else "validation" if study.patient in validation else "train"
        parts[part].append(study.id)
    return Split(**{key: tuple(ids) for key, ids in parts.items()}, fold=fold, folds=folds, seed=seed)


def _check_number(patients: int, *, everyone: bool) -> None:
    least, parts = (2, "training and validation") if everyone else (3, "training, validation and hold-out")
    if patients < least:
        raise DatalistError(
            f"{counted(patients, 'patient')} with a label cannot be split into {parts}; give {least} or more"
        )
