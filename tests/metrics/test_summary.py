"""The mean over studies and how sure one may be of it."""

import math

import numpy as np
import pytest

from medseg.metrics.summary import summarise


def test_studies_not_scored_are_left_out_and_counted() -> None:
    summary = summarise([0.8, math.nan, 0.6, math.nan], seed=1)
    assert summary.mean == pytest.approx(0.7)
    assert (summary.n, summary.not_scored) == (2, 2)


def test_no_scored_study_has_no_mean() -> None:
    summary = summarise([math.nan], seed=1)
    assert math.isnan(summary.mean)
    assert (summary.n, summary.not_scored) == (0, 1)


def test_nothing_at_all_is_summarised_too() -> None:
    assert summarise([], seed=1).n == 0


def test_one_study_has_a_mean_and_no_interval() -> None:
    summary = summarise([0.5], seed=1)
    assert summary.mean == 0.5
    assert math.isnan(summary.low)
    assert math.isnan(summary.high)


def test_equal_scores_have_an_interval_of_no_width() -> None:
    summary = summarise([0.75] * 5, seed=1)
    assert (summary.low, summary.mean, summary.high) == (0.75, 0.75, 0.75)


def test_the_same_seed_gives_the_same_interval_and_another_nearly_so() -> None:
    values = np.random.default_rng(0).uniform(0.5, 1.0, 30).tolist()
    first, again, other = (summarise(values, seed=seed) for seed in (3, 3, 4))
    assert first == again
    assert first != other
    assert first.low == pytest.approx(other.low, abs=0.01)


def test_the_interval_is_near_the_normal_one_for_many_studies() -> None:
    values = np.random.default_rng(1).normal(0.8, 0.1, 400)
    summary = summarise(values, seed=2)
    half = 1.96 * values.std() / math.sqrt(values.size)
    assert summary.low == pytest.approx(values.mean() - half, abs=0.002)
    assert summary.high == pytest.approx(values.mean() + half, abs=0.002)


def test_two_studies_span_from_one_to_the_other() -> None:
    summary = summarise([0.2, 0.6], seed=0)  # each resample is 0.2, 0.4 or 0.6, at odds 1:2:1
    assert (summary.low, summary.high) == (0.2, 0.6)


def test_an_endless_score_stays_visible() -> None:
    assert summarise([1.0, math.inf], seed=0).mean == math.inf
