"""Numbers have sensible digits, a true minus, and a dash where there is nothing."""

import math
from typing import get_args

import pytest

from medseg.metrics.metric import METRICS
from medseg.metrics.policy import State
from medseg.metrics.summary import summarise
from medseg.runs.evaluation_words import (
    STATE_WORDS,
    counted,
    headed,
    interval_of,
    mean_of,
    median_of,
    probability,
    quartiles_of,
    shown,
    value_of,
)


@pytest.mark.parametrize(
    ("metric", "value", "words"),
    [
        ("dice", 0.89349, "0.893"),
        ("dice", math.nan, "–"),
        ("hd95_mm", 2.2361, "2.24"),
        ("hd95_mm", 12.345, "12.3"),
        ("hd95_mm", 373.13, "373"),
        ("hd95_mm", math.inf, "∞"),
        ("reference_ml", 0.01234, "0.012"),
        ("reference_ml", 3.4567, "3.46"),
        ("reference_ml", 1234.5, "1234"),
        ("difference_ml", -1.5, "−1.50"),
        ("difference_ml", 1.5, "+1.50"),
        ("difference_ml", -0.0001, "0.000"),
        ("lesions_missed", 1.333, "1.33"),
    ],
)
def test_a_value_has_the_digits_that_say_something(metric: str, value: float, words: str) -> None:
    assert value_of(metric, value) == words


def test_an_interval_has_the_digits_of_its_mean() -> None:
    assert interval_of("hd95_mm", 7.213, 12.345, 9.8) == "[7.21, 12.35]"
    assert interval_of("hd95_mm", math.nan, math.nan, 9.8) == "–"
    assert interval_of("difference_ml", -0.25, 0.125, 0.5) == "[−0.250, +0.125]"


def test_a_mean_stands_over_its_interval_and_alone_without_one() -> None:
    assert mean_of("dice", summarise([0.8], seed=0)) == "0.800"
    assert mean_of("dice", summarise([0.5] * 4, seed=0)) == "0.500<span class=under>[0.500, 0.500]</span>"
    assert mean_of("dice", summarise([], seed=0)) == "–"


def test_one_study_has_a_median_and_no_quartiles() -> None:
    assert median_of("dice", summarise([0.8], seed=0)) == "0.800"
    assert quartiles_of("dice", summarise([0.2, 0.4, 0.6], seed=0)) == "(0.300, 0.500)"


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_has_a_head_and_a_value(metric: str) -> None:
    assert METRICS[metric].title in headed(metric)
    assert METRICS[metric].unit in headed(metric)
    assert value_of(metric, 1.0)


def test_every_state_has_words() -> None:
    assert set(STATE_WORDS) == set(get_args(State))


def test_small_probabilities_are_not_zero() -> None:
    assert [probability(p) for p in (0.00001, 0.0123, 1.0, math.nan)] == ["&lt; 0.001", "0.012", "1.000", "–"]


def test_a_zero_has_no_sign() -> None:
    assert [shown(value, 1, signed=True) for value in (0.0, -0.01, 0.01, 1.0, -1.0)] == [
        "0.0",
        "0.0",
        "0.0",
        "+1.0",
        "−1.0",
    ]


def test_things_are_counted_in_words() -> None:
    assert [counted(n, "study", "studies") for n in (0, 1, 2)] == ["0 studies", "1 study", "2 studies"]
    assert counted(2, "patient") == "2 patients"
