"""Small evaluations with known scores, for tests of what is done with them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from medseg.metrics.evaluation import Evaluation
from medseg.metrics.policy import POLICIES, MetricPolicy
from medseg.metrics.scores import StudyScores, score_failed, score_maps

VALUES = {"whole": (1, 2), "core": (2,)}
AFFINE = np.diag([1.0, 1.0, 2.0, 1.0])


def maps(shift: int = 0, *, core: bool = True) -> np.ndarray:
    """A box of 8 x 8 x 4 voxels with a core of 4 x 4 x 2, moved along i; voxels of 2 mm³."""
    labels = np.zeros((24, 16, 10), np.uint8)
    labels[4 + shift : 12 + shift, 4:12, 3:7] = 1
    if core:
        labels[6 + shift : 10 + shift, 6:10, 4:6] = 2
    return labels


def study(name: str, *, shift: int = 0, core: bool = True, patient: str = "", failure: str = "") -> StudyScores:
    """A study whose prediction is moved, lacks the core, or could not be used."""
    policy = POLICIES["default"]
    if failure:
        return StudyScores(name, patient or name, score_failed(maps(), AFFINE, VALUES, policy), failure)
    scores = score_maps(maps(shift, core=core), maps(), AFFINE, VALUES, policy)
    return StudyScores(name, patient or name, scores)


def evaluation(shifts: Mapping[str, int], *more: StudyScores, policy: MetricPolicy = POLICIES["default"]) -> Evaluation:
    """One study for each shift, and some more."""
    studies = [study(name, shift=shift) for name, shift in shifts.items()]
    return Evaluation(policy, tuple(VALUES), tuple(sorted([*studies, *more], key=lambda one: one.study)))
