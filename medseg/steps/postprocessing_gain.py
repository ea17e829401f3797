"""Whether a step helps: how Dice and HD95 change over studies, and whether that can be told from chance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from medseg.bundle.postprocessing import Cleaning
from medseg.metrics.bootstrap import Interval, mean_interval
from medseg.steps.postprocessing_trials import Scores

DICE_MARGIN = 0.001  # of the mean over labels; what two trainings of one recipe differ by is several times more
HD95_MARGIN = 0.02  # share of the present mean HD95 over labels
_ROUNDING = 1e-9

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Change:
    """How a score changed, study by study.

    Attributes:
        mean: Mean over studies, new less old.
        interval: 95 % interval of it, by bootstrap over patients.
    """

    mean: float
    interval: Interval

    def words(self, unit: str = "") -> str:
        """Such as "+0.0021 (+0.0010 to +0.0034)"."""
        low, high = self.interval.low, self.interval.high
        behind = "" if math.isnan(low) else f" ({low:+.4f} to {high:+.4f})"
        return f"{self.mean:+.4f}{unit and ' ' + unit}{behind}"


@dataclass(frozen=True)
class Trial:
    """One candidate in one round.

    Attributes:
        round: From 1; each is on top of what the rounds before kept.
        step: The candidate.
        dice: Change of Dice, mean over labels.
        hd95_mm: Change of HD95, mean over labels.
        by_label: Label or region to the change of its mean Dice.
        better: Patients whose Dice, mean over labels, rose.
        worse: Patients whose Dice fell.
        helps: Whether it may be kept.
        verdict: Why or why not.
        kept: Whether it was: of those that help, one a round.
    """

    round: int
    step: Cleaning
    dice: Change
    hd95_mm: Change
    by_label: Mapping[str, float]
    better: int
    worse: int
    helps: bool
    verdict: str
    kept: bool = False

    @property
    def outcome(self) -> str:
        """What became of it, and why."""
        return f"kept: {self.verdict}" if self.kept else self.verdict

    @property
    def gain(self) -> tuple[float, float]:
        """To sort by: Dice in whole margins, then HD95, so that steps that differ by less are told apart by HD95."""
        return (round(self.dice.mean / DICE_MARGIN), -self.hd95_mm.mean)

    def record(self) -> dict[str, Any]:
        """As plain values, for run.json."""
        return {
            "round": self.round,
            "step": self.step.words,
            "dice": [self.dice.mean, self.dice.interval.low, self.dice.interval.high],
            "hd95_mm": [self.hd95_mm.mean, self.hd95_mm.interval.low, self.hd95_mm.interval.high],
            "dice_by_label": dict(self.by_label),
            "better": self.better,
            "worse": self.worse,
            "verdict": self.verdict,
            "kept": self.kept,
        }


def judge(
    step: Cleaning,
    *,
    now: Sequence[Scores],
    then: Sequence[Scores],
    round_number: int,
    scored: Sequence[str],
    patients: Sequence[str],
    seed: int,
) -> Trial:
    """Compare the scores of all studies without and with a step.

    Args:
        step: Which.
        now: Of each study, without it.
        then: Of each study, with it.
        round_number: In which round it was tried.
        scored: Labels or regions of which means are taken.
        patients: Whose each study is.
        seed: Of the bootstrap.
    """
    dice = over_labels([one.dice for one in then], scored) - over_labels([one.dice for one in now], scored)
    hd95 = over_labels([one.hd95_mm for one in then], scored) - over_labels([one.hd95_mm for one in now], scored)
    pairs = list(zip(now, then, strict=True))
    by_label = {name: float(np.mean([b.dice[name] - a.dice[name] for a, b in pairs])) for name in now[0].dice}
    changes = _change(dice, patients, seed), _change(hd95, patients, seed)
    rose = {patient for patient, gain in zip(patients, dice, strict=True) if gain > _ROUNDING}
    fell = {patient for patient, gain in zip(patients, dice, strict=True) if gain < -_ROUNDING}
    helps, verdict = _verdict(*changes, by_label, margin_mm=HD95_MARGIN * means(now, scored)[1])
    return Trial(round_number, step, *changes, by_label, len(rose), len(fell), helps, verdict)


def means(scores: Sequence[Scores], scored: Sequence[str]) -> tuple[float, float]:
    """Mean Dice and mean HD95 in mm, over labels and studies."""
    dice = over_labels([one.dice for one in scores], scored)
    return float(dice.mean()), float(over_labels([one.hd95_mm for one in scores], scored).mean())


def over_labels(scores: Sequence[Mapping[str, float]], scored: Sequence[str]) -> _Floats:
    """Mean over labels or regions, of each study."""
    return np.array([np.mean([one[name] for name in scored]) for one in scores], np.float64)


def _verdict(dice: Change, hd95: Change, by_label: Mapping[str, float], *, margin_mm: float) -> tuple[bool, str]:
    lowered = [name for name, change in by_label.items() if change < -_ROUNDING]
    if lowered:
        return False, f"lowers Dice of {', '.join(lowered)}"
    if hd95.mean > margin_mm:
        return False, "raises HD95"
    if dice.mean > DICE_MARGIN and dice.interval.low > 0.0:
        return True, "raises Dice"
    if hd95.mean < -margin_mm and hd95.interval.high < 0.0:
        return True, "lowers HD95"
    if abs(dice.mean) < _ROUNDING and abs(hd95.mean) < _ROUNDING:
        return False, "changes nothing"
    return False, "within chance or margin"


def _change(differences: _Floats, patients: Sequence[str], seed: int) -> Change:
    return Change(float(differences.mean()), mean_interval(differences, seed=seed, patients=patients))
