"""The mean over studies and how sure one may be of it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from medseg.core.errors import DatalistError
from medseg.metrics.summary import median_interval, summarise, summarise_distances


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


def test_what_there_is_not_is_none_in_a_record() -> None:
    assert summarise([0.5, 0.7], seed=0).record() == {"mean": pytest.approx(0.6), "low": None, "high": None, "n": 2}
    found = summarise([0.5, 0.6, 0.7, 0.8], seed=0)
    assert found.record() == {"mean": found.mean, "low": found.low, "high": found.high, "n": 4}


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


def test_of_three_studies_the_range_is_not_passed_off_as_an_interval() -> None:
    summary = summarise([0.2, 0.4, 0.6], seed=0)
    assert (summary.mean, math.isnan(summary.low), math.isnan(summary.high)) == (pytest.approx(0.4), True, True)


def test_an_endless_score_stays_visible() -> None:
    assert summarise([1.0, math.inf], seed=0).mean == math.inf


def test_median_and_quartiles_stand_beside_the_mean() -> None:
    summary = summarise([5.0, 1.0, math.nan, 4.0, 2.0, 30.0], seed=0)
    assert (summary.median, summary.iqr) == (4.0, (2.0, 5.0))


def test_the_interval_of_the_mean_says_how_it_was_made() -> None:
    assert summarise([0.1, 0.5, 0.6, 0.9], seed=0).interval == "bca"
    assert summarise([0.5] * 4, seed=0).interval == "percentile"
    assert summarise([0.5, 0.6, 0.7], seed=0).interval == "none"


@pytest.mark.parametrize(
    ("n", "k"),
    # By hand from the binomial of n tosses, in 2**n: C(6,0) = 1 <= 1.6 but 1 + 6 is not; for 11: 1 + 11 <= 51 but
    # 1 + 11 + 55 is not; for 15: 1 + 15 + 105 + 455 = 576 <= 819 but with 1365 more it is not.
    [(1, 0), (5, 0), (6, 1), (11, 2), (15, 4)],
)
def test_the_median_lies_between_order_statistics(n: int, k: int) -> None:
    low, high = median_interval(np.arange(n, 0.0, -1.0))
    if k == 0:
        assert math.isnan(low)
        assert math.isnan(high)
    else:
        assert (low, high) == (k, n - k + 1)


@given(st.integers(6, 3000))
def test_the_median_interval_covers_95_percent_and_no_narrower_one_does(n: int) -> None:
    low, high = (int(end) for end in median_interval(np.arange(1.0, n + 1.0)))
    assert low + high == n + 1
    assert 1 - 2 * stats.binom.cdf(low - 1, n, 0.5) >= 0.95 - 1e-12
    assert 1 - 2 * stats.binom.cdf(low, n, 0.5) < 0.95


def test_quartiles_among_endless_distances_are_endless_and_not_nan() -> None:
    summary = summarise([1.0, math.inf, math.inf, math.inf], seed=0)
    assert summary.median == math.inf
    assert summary.iqr == (math.inf, math.inf)


def test_failed_studies_are_counted_and_part_of_the_mean() -> None:
    summary = summarise([0.0, 0.8], seed=0, failed=1)
    assert (summary.mean, summary.n, summary.failed) == (pytest.approx(0.4), 2, 1)


def test_patients_are_counted_and_those_of_studies_not_scored_left_out() -> None:
    summary = summarise([0.1, 0.2, math.nan, 0.6], seed=0, patients=["a", "a", "c", "b"])
    assert (summary.n, summary.patients) == (3, 2)


def test_scores_and_patients_must_be_as_many() -> None:
    with pytest.raises(DatalistError, match="2 scores are given with 1 patients"):
        summarise([0.1, 0.2], seed=0, patients=["a"])


def test_a_distance_has_three_aggregates() -> None:
    states = ["scored", "scored", "prediction_empty", "both_empty", "missing"]
    distances = summarise_distances([1.0, 3.0, 100.0, math.nan, 100.0], states, seed=0)
    assert (distances.whole.mean, distances.whole.n) == (51.0, 4)
    assert (distances.whole.failed, distances.whole.not_scored) == (1, 1)
    assert (distances.both_exist.mean, distances.both_exist.n) == (2.0, 2)
    assert distances.whole.median == 51.5


def test_distances_and_states_must_be_as_many() -> None:
    with pytest.raises(DatalistError, match="1 distances are given with 0 states"):
        summarise_distances([1.0], [], seed=0)
