"""Numbers of an evaluation as people read them: sensible digits, a true minus, a dash where nothing was scored."""

from __future__ import annotations

import math
from collections.abc import Mapping

from medseg.metrics.metric import METRICS
from medseg.metrics.policy import State
from medseg.metrics.summary import Summary

NOTHING = "–"
MINUS = "−"
_SHARE_DECIMALS, _COUNT_DECIMALS = 3, 2
_ENOUGH = 100.0  # mm or ml; from here on decimals say nothing

STATE_WORDS: Mapping[State, str] = {
    "scored": "in both masks",
    "prediction_empty": "missed: not in the prediction",
    "reference_empty": "hallucinated: not in the reference",
    "both_empty": "in neither mask",
    "missing": "no usable prediction",
}


def decimals_of(metric: str, value: float) -> int:
    """How many decimals a value of a metric is shown with.

    Args:
        metric: Key of ``METRICS``.
        value: Three digits are enough of millimetres and millilitres; a share has always three decimals.
    """
    row = METRICS[metric]
    if not row.unit:
        return _COUNT_DECIMALS if row.kind == "measure" else _SHARE_DECIMALS
    size = abs(value) if math.isfinite(value) else 1.0
    fine = 1 if row.unit == "ml" and size < 1.0 else 0  # small structures have a tenth of a millilitre
    return (0 if size >= _ENOUGH else 1 if size >= 10.0 else 2) + fine


def shown(value: float, decimals: int, *, signed: bool = False) -> str:
    """A number with so many decimals; a dash for nan.

    Args:
        value: May be endless.
        decimals: After the point.
        signed: With "+" where it is above 0.
    """
    if math.isnan(value):
        return NOTHING
    words = "∞" if math.isinf(value) else f"{abs(value):.{decimals}f}"
    if not words.strip("0."):
        return words
    return f"{MINUS if value < 0 else '+' if signed else ''}{words}"


def value_of(metric: str, value: float) -> str:
    """One value of a metric, without its unit."""
    return shown(value, decimals_of(metric, value), signed=is_signed(metric))


def interval_of(metric: str, low: float, high: float, like: float) -> str:
    """Both ends, with as many decimals as the value between them; a dash where there is no interval."""
    if math.isnan(low) or math.isnan(high):
        return NOTHING
    decimals, signed = decimals_of(metric, like), is_signed(metric)
    return f"[{shown(low, decimals, signed=signed)}, {shown(high, decimals, signed=signed)}]"


def mean_of(metric: str, summary: Summary) -> str:
    """The mean; below it its interval. HTML."""
    return over_under(value_of(metric, summary.mean), interval_of(metric, summary.low, summary.high, summary.mean))


def median_of(metric: str, summary: Summary) -> str:
    """The median; below it the quartiles. HTML."""
    return over_under(value_of(metric, summary.median), quartiles_of(metric, summary))


def quartiles_of(metric: str, summary: Summary) -> str:
    """First and third quartile in round brackets; a dash below two studies."""
    if summary.n < 2:
        return NOTHING
    ends = interval_of(metric, *summary.iqr, summary.median)
    return ends if ends == NOTHING else f"({ends[1:-1]})"


def over_under(above: str, below: str) -> str:
    """Two lines of a cell, the second one small; only one where there is nothing below. HTML."""
    return above if below == NOTHING else f"{above}<span class=under>{below}</span>"


def headed(metric: str) -> str:
    """Title of a metric with its unit."""
    row = METRICS[metric]
    return f"{row.title}, {row.unit}" if row.unit else row.title


def probability(p: float) -> str:
    """A p value."""
    if math.isnan(p):
        return NOTHING
    return "&lt; 0.001" if p < 0.001 else f"{p:.3f}"


def counted(number: int, one: str, many: str = "") -> str:
    """A number and what is counted, for example "1 study" or "3 studies"."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def is_signed(metric: str) -> bool:
    """Whether a plus sign says something."""
    return metric == "difference_ml"
