"""What the charts of an evaluation show, as plain numbers; how they look is for ``pictures_charts``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from medseg.metrics.evaluation import Evaluation
from medseg.metrics.metric import METRICS
from medseg.metrics.policy import State
from medseg.metrics.summary import Summary

Row = TypeVar("Row")
LABELS_A_FIGURE = 6
LIMITS_SD = 1.96  # 95 % of differences lie so many standard deviations around their mean, if they are normal
MIN_LIMITS = 3  # studies; limits of agreement from fewer are no limits
DECADE = 10.0  # volumes that differ by more are drawn on a logarithmic axis
PENALISED: tuple[State, ...] = ("prediction_empty", "reference_empty", "missing")
_LOW_SHARE = 0.3  # a scale of shares that reaches down to here begins at 0
_EDGE = 0.02  # room beside the outermost values, as a share of the span
_LANE = 0.09  # from the outermost value to the middle of the lane of penalties
_GOLDEN = 0.381966  # share of a row by which the next point moves: never two in a line


@dataclass(frozen=True)
class Strip:
    """One metric of one label: a row of a box-and-strip chart.

    Attributes:
        name: Label or region.
        values: Of the scored studies, penalties in place.
        states: What the masks of each held.
        summary: Of the values.
    """

    name: str
    values: tuple[float, ...]
    states: tuple[State, ...]
    summary: Summary

    @property
    def measured(self) -> tuple[float, ...]:
        """Values that are no penalties."""
        return tuple(v for v, state in zip(self.values, self.states, strict=True) if state not in PENALISED)

    @property
    def penalties(self) -> int:
        """Studies that score the worst value there is."""
        return len(self.values) - len(self.measured)


@dataclass(frozen=True)
class Scale:
    """The axis of a strip chart.

    Attributes:
        low: Left end of what was measured.
        high: Right end of it.
        lane: Where penalties stand: apart, since at their true place they would press all else into a corner;
            None where they have a place on the axis.
    """

    low: float
    high: float
    lane: Literal["left", "right"] | None

    @property
    def lane_at(self) -> float:
        """Middle of the lane; nan without one."""
        span = self.high - self.low
        return {"left": self.low - _LANE * span, "right": self.high + _LANE * span, None: math.nan}[self.lane]

    @property
    def border(self) -> float:
        """Between what is to scale and the lane; nan without one."""
        edge = self.low if self.lane == "left" else self.high
        return edge + 0.35 * (self.lane_at - edge)

    @property
    def ends(self) -> tuple[float, float]:
        """Of the whole axis."""
        span = self.high - self.low
        left, right = (_EDGE + _LANE * (1.6 if self.lane == side else 0.0) for side in ("left", "right"))
        return self.low - left * span, self.high + right * span

    def place(self, value: float) -> float:
        """Where a number is drawn: what lies beyond the axis on the side of the lane is drawn in it."""
        beyond = {"left": value < self.low, "right": value > self.high, None: False}
        if beyond[self.lane]:
            return self.lane_at
        return min(max(value, self.low), self.high)


@dataclass(frozen=True)
class Agreement:
    """Volumes of one label by the method of Bland and Altman.

    Attributes:
        name: Label or region.
        mean_ml: Mean of both volumes of each study.
        difference_ml: Prediction less reference.
        states: What the masks held.
        bias_ml: Mean difference; nan without a study.
        limits_ml: Limits of agreement; nan below ``MIN_LIMITS`` studies.
        left_out: Studies without a prediction, or with the label in neither mask.

    Source: Bland and Altman, Lancet 1986; 327: 307-310.
    """

    name: str
    mean_ml: tuple[float, ...]
    difference_ml: tuple[float, ...]
    states: tuple[State, ...]
    bias_ml: float
    limits_ml: tuple[float, float]
    left_out: int


@dataclass(frozen=True)
class AgainstVolume:
    """Dice of one label against its volume in the reference.

    Attributes:
        name: Label or region.
        reference_ml: Of each study, above 0.
        dice: Of each study.
        states: What the masks held.
        left_out: Studies without the label in the reference, or not scored.
    """

    name: str
    reference_ml: tuple[float, ...]
    dice: tuple[float, ...]
    states: tuple[State, ...]
    left_out: int

    @property
    def is_wide(self) -> bool:
        """Whether volumes span more than a decade."""
        return bool(self.reference_ml) and max(self.reference_ml) > DECADE * min(self.reference_ml)


def strip_of(evaluation: Evaluation, name: str, metric: str) -> Strip:
    """One metric of one label; studies that were not scored are left out."""
    rows = [
        (v, s)
        for v, s in zip(_values(evaluation, name, metric), _states(evaluation, name), strict=True)
        if not math.isnan(v)
    ]
    values, states = zip(*rows, strict=True) if rows else ((), ())
    return Strip(name, tuple(values), tuple(states), evaluation.summaries[name][metric].whole)


def scale_of(strips: Sequence[Strip], metric: str) -> Scale:
    """One axis for all labels of a metric: what was measured fills it."""
    measured = [value for strip in strips for value in strip.measured if math.isfinite(value)]
    apart = any(strip.penalties for strip in strips)
    if METRICS[metric].kind == "distance":
        return Scale(0.0, max(measured, default=0.0) or 1.0, "right" if apart else None)
    means = [end for strip in strips for end in (strip.summary.mean, strip.summary.low) if math.isfinite(end)]
    low = math.floor(10.0 * min([*measured, *means], default=0.0)) / 10.0
    if low <= _LOW_SHARE or not measured:
        return Scale(0.0, 1.0, None)
    return Scale(min(low, 0.9), 1.0, "left" if apart else None)


def agreement_of(evaluation: Evaluation, name: str) -> Agreement:
    """Volumes of one label, prediction against reference."""
    predictions, references = (_values(evaluation, name, f"{side}_ml") for side in ("prediction", "reference"))
    rows = [
        ((prediction + reference) / 2.0, prediction - reference, state)
        for prediction, reference, state in zip(predictions, references, _states(evaluation, name), strict=True)
        if state not in ("missing", "both_empty") and math.isfinite(prediction + reference)
    ]
    means, differences, states = zip(*rows, strict=True) if rows else ((), (), ())
    bias = float(np.mean(differences)) if rows else math.nan
    reach = LIMITS_SD * float(np.std(differences, ddof=1)) if len(rows) >= MIN_LIMITS else math.nan
    left_out = len(predictions) - len(rows)
    return Agreement(
        name, tuple(means), tuple(differences), tuple(states), bias, (bias - reach, bias + reach), left_out
    )


def against_volume(evaluation: Evaluation, name: str) -> AgainstVolume:
    """Dice of one label against its reference volume."""
    volumes, scores = _values(evaluation, name, "reference_ml"), _values(evaluation, name, "dice")
    rows = [
        (volume, dice, state)
        for volume, dice, state in zip(volumes, scores, _states(evaluation, name), strict=True)
        if volume > 0.0 and math.isfinite(dice)
    ]
    kept, dice, states = zip(*rows, strict=True) if rows else ((), (), ())
    return AgainstVolume(name, tuple(kept), tuple(dice), tuple(states), len(volumes) - len(rows))


def parts_of(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """The labels of one figure after the other, as even as may be: of seven labels four and three."""
    figures = -(-len(rows) // LABELS_A_FIGURE)
    for number in range(figures):
        yield rows[number * len(rows) // figures : (number + 1) * len(rows) // figures]


def spread_rows(count: int) -> list[float]:
    """Heights between 0 and 1 for the points of a strip, the same each time."""
    return [(number + 1) * _GOLDEN % 1.0 for number in range(count)]


def _values(evaluation: Evaluation, name: str, metric: str) -> list[float]:
    return list(evaluation.values(name, metric).values())


def _states(evaluation: Evaluation, name: str) -> list[State]:
    return [study.labels[name].state for study in evaluation.studies]
