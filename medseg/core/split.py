"""Who trains, who chooses the checkpoint, who is only reported on: a split by patient."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from medseg.core.errors import DatalistError
from medseg.core.study import Study


@dataclass(frozen=True)
class Split:
    """Study ids of the three parts.

    Attributes:
        train: Seen by the optimiser.
        validation: Choose the best checkpoint and stop early; never trained on.
        holdout: Scored once, at the end; neither trained on nor chosen by.
        fold: Which of the ``folds`` parts is the hold-out.
        folds: Number of parts.
        seed: Seed of the shuffle.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    holdout: tuple[str, ...]
    fold: int
    folds: int
    seed: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


def split_by_patient(studies: Sequence[Study], *, fold: int, folds: int, validation_share: float, seed: int) -> Split:
    """Split studies so that all studies of a patient are in one part.

    The patients are shuffled with ``seed`` and dealt to ``folds`` parts in turn, so part sizes differ
    by one patient at most and the parts are the same for every fold. Of the remaining patients,
    ``validation_share`` (one at least) choose the checkpoint.

    Args:
        studies: At least three patients.
        fold: 0 to ``folds`` - 1.
        folds: Number of parts; lowered to the number of patients where there are fewer.
        validation_share: Share of the patients outside the hold-out, between 0 and 1.
        seed: Seed of the shuffle.

    Raises:
        DatalistError: Fewer than three patients, ``fold`` is not one of the folds, or no patient is left to train on.
    """
    patients = sorted({study.patient for study in studies})
    if len(patients) < 3:
        raise DatalistError(
            f"{len(patients)} patient(s) with a label cannot be split into training, validation and hold-out; "
            "give 3 or more"
        )
    folds = min(folds, len(patients))
    if not 0 <= fold < folds:
        raise DatalistError(f"fold {fold} does not exist; with {len(patients)} patients choose 0 to {folds - 1}")
    random.Random(seed).shuffle(patients)
    holdout = set(patients[fold::folds])
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
