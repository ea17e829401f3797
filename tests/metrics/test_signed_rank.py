"""The signed-rank test against textbook, scipy, and every sign written out."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from medseg.metrics.signed_rank import EXACT_UP_TO, holm, signed_rank

# Heights of cross- and self-fertilised maize in eighths of an inch (Darwin 1876), as textbooks take them for this test.
MAIZE = [6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75]


def test_the_textbook_example() -> None:
    test = signed_rank(MAIZE)
    assert (test.positive, test.negative, test.n) == (96.0, 24.0, 15)  # 48 has rank 10, 67 rank 14
    assert test.p == pytest.approx(0.041259765625, abs=1e-15)
    assert test.effect == pytest.approx(0.6)  # (96 - 24) / 120


def test_five_differences_of_one_sign_are_never_below_0_05() -> None:
    assert signed_rank([1, 2, 3, 4, 5]).p == 2 / 32


def test_zeros_are_left_out_and_nothing_but_zeros_is_no_difference() -> None:
    assert signed_rank([0, 0, 1, 2, 3, 4, 5]) == signed_rank([1, 2, 3, 4, 5])
    nothing = signed_rank([0.0, 0.0])
    assert (nothing.n, nothing.p, nothing.effect) == (0, 1.0, 0.0)
    assert signed_rank([]).p == 1.0


def test_differences_equal_but_for_rounding_share_a_rank() -> None:
    assert signed_rank([0.9 - 0.8, -(0.8 - 0.7), 0.4]).positive == 1.5 + 3


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9))
def test_with_ties_it_is_the_share_of_all_signs(differences: list[int]) -> None:
    assume(any(differences))
    left = np.array([d for d in differences if d])
    ranks = stats.rankdata(np.abs(left))
    observed = abs(ranks[left > 0].sum() - ranks[left < 0].sum())
    every = [abs(float(np.dot(signs, ranks))) for signs in itertools.product((-1, 1), repeat=left.size)]
    assert signed_rank(differences).p == pytest.approx(np.mean([one >= observed - 1e-9 for one in every]))


@pytest.mark.parametrize("n", [12, 50, EXACT_UP_TO])
def test_without_ties_it_is_the_exact_one_of_scipy(n: int) -> None:
    differences = np.random.default_rng(n).normal(0.2, 1.0, n)
    assert signed_rank(differences).p == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue, rel=1e-9)


def test_many_differences_take_the_normal_curve_corrected_for_ties() -> None:
    differences = np.round(np.random.default_rng(0).normal(0.12, 1.0, 2 * EXACT_UP_TO), 1)
    theirs = stats.wilcoxon(differences[differences != 0], correction=True, method="asymptotic").pvalue
    assert signed_rank(differences).p == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("lean", [0.1, 0.2])
def test_where_the_normal_curve_takes_over_it_is_within_a_thousandth(lean: float) -> None:
    differences = np.random.default_rng(1).normal(lean, 1.0, EXACT_UP_TO)
    theirs = stats.wilcoxon(differences, correction=True, method="asymptotic").pvalue
    assert signed_rank(differences).p == pytest.approx(theirs, abs=1e-3)


def test_holm_by_hand() -> None:
    # Smallest first: 0.01 x 3, 0.03 x 2, 0.04 x 1, none below the one before.
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.001, 0.999))
def test_holm_rejects_what_the_step_down_procedure_rejects(p_values: list[float], level: float) -> None:
    rejected = set()
    for place, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        assume(abs(p_values[index] * (len(p_values) - place) - level) > 1e-9)
        if p_values[index] * (len(p_values) - place) > level:
            break
        rejected.add(index)
    assert {index for index, p in enumerate(holm(p_values)) if p <= level} == rejected
