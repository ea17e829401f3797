"""The interval of a mean, against scipy and by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from medseg.core.errors import DatalistError
from medseg.metrics import bootstrap
from medseg.metrics.bootstrap import mean_interval

SKEWED = np.random.default_rng(5).lognormal(0.0, 0.8, 40)


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_bca_interval_of_scipy(seed: int) -> None:
    ours = mean_interval(SKEWED, seed=seed)
    theirs = stats.bootstrap(
        (SKEWED,), np.mean, method="BCa", n_resamples=50_000, rng=np.random.default_rng(99)
    ).confidence_interval
    width = theirs.high - theirs.low
    assert ours.method == "bca"
    assert ours.low == pytest.approx(theirs.low, abs=0.03 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.05 * width)


def test_a_skewed_score_moves_the_interval_to_its_long_side() -> None:
    interval = mean_interval(SKEWED, seed=0)
    assert interval.high - SKEWED.mean() > 1.2 * (SKEWED.mean() - interval.low)


def test_equal_scores_have_a_percentile_interval_of_no_width() -> None:
    interval = mean_interval(np.full(7, 0.1), seed=0)
    assert interval.method == "percentile"
    assert interval.low == pytest.approx(0.1)
    assert interval.high == pytest.approx(0.1)


def test_an_endless_distance_leaves_the_percentile_interval() -> None:
    interval = mean_interval(np.array([1.0, 2.0, 3.0, math.inf]), seed=0)
    assert interval.method == "percentile"
    assert interval.high == math.inf
    assert 1.0 <= interval.low < math.inf


def test_scores_of_as_many_patients_share_their_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    real = np.random.default_rng
    monkeypatch.setattr(np.random, "default_rng", lambda seed: made.append(seed) or real(seed))
    patients = [f"p{n // 2}" for n in range(62)]
    for shift in range(3):
        mean_interval(np.arange(62.0) ** 1.5 + shift, seed=8_091, patients=patients)
    assert made == [8_091]


def test_draws_that_are_too_many_to_keep_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    patients = [f"p{n // 3}" for n in range(SKEWED.size)]
    kept = mean_interval(SKEWED, seed=8_092, patients=patients)
    bootstrap._resampled_counts.cache_clear()
    monkeypatch.setattr(bootstrap, "_KEPT_VALUES", 0)
    monkeypatch.setattr(bootstrap, "_BLOCK_VALUES", 1_000)  # some seventy blocks, the last one not full
    monkeypatch.setattr(bootstrap, "_kept_draws", None)
    assert mean_interval(SKEWED, seed=8_092, patients=patients) == kept


def test_one_patient_has_no_interval_however_many_studies() -> None:
    interval = mean_interval(np.array([0.1, 0.5, 0.9]), seed=0, patients=["p", "p", "p"])
    assert interval.method == "none"
    assert math.isnan(interval.low)


def test_patients_that_are_all_different_change_nothing() -> None:
    values = np.random.default_rng(2).uniform(size=12)
    assert mean_interval(values, seed=1, patients=[f"p{n:02}" for n in range(12)]) == mean_interval(values, seed=1)


def test_ten_copies_of_each_study_do_not_make_the_interval_narrower() -> None:
    values = np.random.default_rng(2).uniform(size=12)
    once = mean_interval(values, seed=1)
    copied = mean_interval(np.repeat(values, 10), seed=1, patients=[f"p{n:02}" for n in range(12) for _ in range(10)])
    assert (copied.low, copied.high) == pytest.approx((once.low, once.high))
    assert mean_interval(np.repeat(values, 10), seed=1).low > once.low


def test_below_four_patients_there_is_no_interval_however_many_studies() -> None:
    values, patients = np.array([0.4, 0.6, 0.9, 0.8, 0.7]), ["a", "a", "b", "c", "c"]
    interval = mean_interval(values, seed=0, patients=patients)
    assert (interval.method, np.isnan(interval.low), np.isnan(interval.high)) == ("none", True, True)
    assert mean_interval(values[:4], seed=0).method == "bca"


def test_studies_and_patients_must_be_as_many() -> None:
    with pytest.raises(DatalistError, match="3 values are given with 2 patients"):
        mean_interval(np.arange(3.0), seed=0, patients=["a", "b"])


@given(st.lists(st.floats(-100, 100), min_size=4, max_size=25))
def test_the_interval_lies_within_the_values_and_in_order(values: list[float]) -> None:
    interval = mean_interval(np.array(values), seed=0)
    slack = 1e-9 * (1.0 + max(map(abs, values)))
    assert min(values) - slack <= interval.low <= interval.high <= max(values) + slack
