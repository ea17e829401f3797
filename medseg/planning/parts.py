"""Who trains, validates and is held out in a planned run: the split of the training itself, not a share of it."""

from __future__ import annotations

from collections.abc import Sequence

from medseg.core.split import Split, split_by_patient
from medseg.core.study import Study
from medseg.planning import recipe_defaults as defaults


def plan_split(studies: Sequence[Study]) -> Split:
    """The split of a run by the planned recipe; its first fold, which a training holds out unless told otherwise.

    Args:
        studies: Labelled.

    Raises:
        DatalistError: Fewer than three patients.
    """
    share = validation_share(len({study.patient for study in studies}))
    return split_by_patient(studies, fold=0, folds=defaults.FOLDS, validation_share=share, seed=defaults.SEED)


def validation_share(patients: int) -> float:
    """Share of the patients not held out that choose the checkpoint; larger where there are few."""
    rest = patients * (1 - 1 / defaults.FOLDS)
    enough = rest * defaults.VALIDATION_SHARE >= defaults.FEWEST_VALIDATING
    return defaults.VALIDATION_SHARE if enough else defaults.VALIDATION_SHARE_SMALL
