"""Which studies went worst, and why."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from medseg.metrics.evaluation import Evaluation
from medseg.metrics.scores import LabelScore, StudyScores

_MINUS = "\N{MINUS SIGN}"
_STATES = {"prediction_empty": "missed", "reference_empty": "hallucinated"}


@dataclass(frozen=True)
class Ranked:
    """One study in the order from worst to best.

    Attributes:
        study: Its id.
        dice: Mean Dice over the labels and regions that were scored.
        reason: What is worst about it.
    """

    study: str
    dice: float
    reason: str


def rank(evaluation: Evaluation) -> list[Ranked]:
    """Studies from worst to best by mean Dice; of equals, failures first, then the larger HD95, then by id.

    A study in which nothing was scored is left out.
    """
    rows = []
    for study in evaluation.studies:
        dice, distance = (_mean(study, evaluation.names, metric) for metric in ("dice", "hd95_mm"))
        if not math.isnan(dice):
            rows.append((dice, not study.failure, -distance, study.study, _reason(study, evaluation.names)))
    return [Ranked(study, dice, reason) for dice, _, _, study, reason in sorted(rows)]


def _mean(study: StudyScores, names: tuple[str, ...], metric: str) -> float:
    values = [study.labels[name].values[metric] for name in names]
    scored = [value for value in values if not math.isnan(value)]
    return float(np.mean(scored)) if scored else math.nan


def _reason(study: StudyScores, names: tuple[str, ...]) -> str:
    if study.failure:
        return study.failure
    scored = [name for name in names if not math.isnan(study.labels[name].values["dice"])]
    worst = min(scored, key=lambda name: study.labels[name].values["dice"])
    return f"{worst}: {_sentence(study.labels[worst])}"


def _sentence(score: LabelScore) -> str:
    values = score.values
    if score.state in _STATES:
        ml = values["reference_ml"] if score.state == "prediction_empty" else values["prediction_ml"]
        return _STATES[score.state] + ("" if math.isnan(ml) else f" ({ml:.3g} ml)")
    parts = [f"Dice {values['dice']:.3f}", f"HD95 {values['hd95_mm']:.1f} mm"]
    if values["reference_ml"] > 0.0:  # nan in 2D
        share = f"{values['difference_ml'] / values['reference_ml']:+.0%}"
        if share.strip("+-") != "0%":
            parts.append(f"volume {share.replace('-', _MINUS)}")
    return ", ".join([*parts, *score.tags])
