"""What a phantom must score, metric by metric and rule by rule; and the sizes of surfaces by which that is worked out.

Answers hold for every policy, Hausdorff variant and weighting of the surface Dice. Where they differ, an answer is a
table whose keys name the rules it holds for: {"default": 1.0, "brats": 0.0}, {"voxel": 9.5, "pooled": 9.45, "area": 9}.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest

from medseg.metrics.hausdorff_variants import HD_VARIANTS
from medseg.metrics.metric import METRICS
from medseg.metrics.policy import NSD_WEIGHTINGS, POLICIES, MetricPolicy, choose_policy
from medseg.metrics.scores import LabelScore, score_failed, score_maps

Answer = float | Mapping[str, float]
NAN = math.nan
NAME = "it"


@dataclass(frozen=True, eq=False)
class Known:
    """A phantom and its answers.

    Attributes:
        prediction: Label map (I, J, K), uint8; None where there is no usable prediction.
        reference: On the same grid.
        spacing_mm: Voxel edges.
        answers: Key of ``METRICS`` to what it must be.
        tolerance_mm: Of the surface Dice.
        values: Which values make up what is scored.
        within: Key to how far off the score may be, where the shape is analytic only in the limit; else 1e-12.
    """

    prediction: np.ndarray | None
    reference: np.ndarray
    spacing_mm: tuple[float, ...]
    answers: Mapping[str, Answer]
    tolerance_mm: float = 1.0
    values: tuple[int, ...] = (1,)
    within: Mapping[str, float] | None = None


def check(known: Known, metric: str) -> None:
    """Compare one metric under all rules with its answer; a metric or rule without an answer is an error."""
    for words, policy in settings(known.tolerance_mm):
        expected = _answer(known.answers[metric], metric, words)
        within = {"rel": 1e-12, "abs": 1e-12}
        if known.within is not None:
            within = {"rel": 0.0, "abs": known.within.get(metric, 1e-12)}
        found = score(known, policy).values[metric]
        assert found == pytest.approx(expected, nan_ok=True, **within), (metric, words)


def settings(tolerance_mm: float) -> Iterator[tuple[dict[str, str], MetricPolicy]]:
    """Every policy with every variant and weighting, and the words that name them."""
    for name, variant, weighting in itertools.product(POLICIES, HD_VARIANTS, NSD_WEIGHTINGS):
        policy = _policy(name, variant, weighting, tolerance_mm)
        yield {"policy": name, "variant": variant, "weighting": weighting}, policy


@cache
def _policy(name: str, variant: str, weighting: str, tolerance_mm: float) -> MetricPolicy:
    chosen = choose_policy(name, hd_variant=variant, tolerance_mm={NAME: tolerance_mm})
    return replace(chosen, nsd_weighting=weighting)


_SCORES: dict[tuple[int, str], LabelScore] = {}


def score(known: Known, policy: MetricPolicy) -> LabelScore:
    """Score a phantom, once under each policy."""
    key = id(known), policy.digest
    if key not in _SCORES:
        affine = np.diag([*known.spacing_mm, 1.0])
        maps = [known.reference] if known.prediction is None else [known.prediction, known.reference]
        judge = score_failed if known.prediction is None else score_maps
        _SCORES[key] = judge(*maps, affine, {NAME: known.values}, policy)[NAME]
    return _SCORES[key]


def _answer(answer: Answer, metric: str, words: Mapping[str, str]) -> float:
    """The one answer whose key names nothing but the rules in force."""
    if not isinstance(answer, Mapping):
        return answer
    # "area" and "voxel" are words of both: surface Dice follows the weighting, all else the variant.
    ours = {words["policy"], words["weighting" if metric == "nsd" else "variant"]}
    (found,) = [value for key, value in answer.items() if set(key.split()) <= ours]
    return found


def same_distance(mm: float) -> dict[str, Answer]:
    """HD, HD95 and ASSD where all surface is equally far."""
    return {"hd_mm": mm, "hd95_mm": mm, "assd_mm": mm}


def counts(tp: int, fp: int, fn: int, voxel_mm3: float) -> dict[str, Answer]:
    """What follows from counted voxels; 2D pixels have no volume: nan."""
    return {
        "dice": 2 * tp / (2 * tp + fp + fn),
        "iou": tp / (tp + fp + fn),
        "precision": tp / (tp + fp) if tp + fp else 0.0,
        "recall": tp / (tp + fn) if tp + fn else 0.0,
        "reference_ml": (tp + fn) * voxel_mm3 / 1000,
        "prediction_ml": (tp + fp) * voxel_mm3 / 1000,
        "difference_ml": (fp - fn) * voxel_mm3 / 1000,
    }


def one_lesion(dice: float, hd95_mm: Answer, *, counts_in_brats: bool) -> dict[str, Answer]:
    """One lesion, found. BraTS leaves it out up to 50 mm³; with no other to score that is perfect: 1, 0 mm, 1."""
    by_variant = hd95_mm if isinstance(hd95_mm, Mapping) else dict.fromkeys(HD_VARIANTS, hd95_mm)
    in_brats = (dice, by_variant["area"], 1.0, 1.0) if counts_in_brats else (1.0, 0.0, 1.0, 0.0)
    return {
        "lesion_dice": {"default": dice, "brats": in_brats[0]},
        # The default rules follow the variant of the policy, those of BraTS keep the one by area.
        "lesion_hd95_mm": {f"default {name}": mm for name, mm in by_variant.items()} | {"brats": in_brats[1]},
        "lesion_f1": {"default": 1.0, "brats": in_brats[2]},
        "lesions_matched": {"default": 1.0, "brats": in_brats[3]},
        "lesions_missed": 0.0,
        "lesions_hallucinated": 0.0,
    }


def is_complete(answers: Mapping[str, Answer]) -> bool:
    """Whether there is an answer for every row of ``METRICS`` and for nothing else."""
    return set(answers) == set(METRICS)


# Sizes of the surface at a corner of the grid, as marching cubes cuts it through the middles of voxel edges.
# (x, y, z) is the spacing, or (x, y) in 2D.


def at_vertex(spacing_mm: tuple[float, ...]) -> float:
    """One voxel of the eight around a corner is filled.

    3D: the triangle (x/2, 0, 0), (0, y/2, 0), (0, 0, z/2): half of |(-x/2, y/2, 0) × (-x/2, 0, z/2)|.
    2D: the line from (x/2, 0) to (0, y/2).
    """
    if len(spacing_mm) == 2:
        return math.hypot(*spacing_mm) / 2
    x, y, z = spacing_mm
    return math.sqrt((x * y) ** 2 + (y * z) ** 2 + (x * z) ** 2) / 8


def at_edge(along: float, across: tuple[float, float]) -> float:
    """Two voxels, one after the other, are filled: a rectangle of that length, and half a face's diagonal wide."""
    return along * math.hypot(*across) / 2
