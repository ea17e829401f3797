from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from medseg.core.series_rules import TIE_BREAKS
from medseg.datasets.series_tie import break_ties

Make = Callable[..., Any]


def _spaced(series: Make, number: int, spacing_mm: float, slices: int = 20) -> Any:
    return series(number, "T1", shape=(64, 64, slices), affine=np.diag([1.0, 1.0, spacing_mm, 1.0]))


@pytest.mark.parametrize("name", TIE_BREAKS)
def test_a_single_series_needs_no_tie_break(series: Make, name: str) -> None:
    assert break_ties([series()], [0], [name]) == ([0], "")


@pytest.mark.parametrize("name", TIE_BREAKS)
def test_series_that_are_alike_stay_tied(series: Make, name: str) -> None:
    assert break_ties([series(1), series(2)], [0, 1], [name]) == ([0, 1], "")


def test_most_slices_wins_and_names_the_runner_up(series: Make) -> None:
    study = [series(n, shape=(64, 64, slices)) for n, slices in enumerate((11, 30, 22))]
    assert break_ties(study, [0, 1, 2], ["most_slices"]) == ([1], "tie-break most_slices 30 > 22")


def test_thinnest_wins_whatever_writers_did_to_micrometres(series: Make) -> None:
    study = [_spaced(series, 1, 5.0), _spaced(series, 2, 1.0), _spaced(series, 3, 1.0004)]
    assert break_ties(study, [0, 1, 2], ["thinnest"]) == ([1, 2], "tie-break thinnest 1 mm < 5 mm")


def test_tie_breaks_are_applied_in_order(series: Make) -> None:
    study = [_spaced(series, 1, 5.0, 30), _spaced(series, 2, 1.0, 20), _spaced(series, 3, 2.0, 30)]
    assert break_ties(study, [0, 1, 2], ["most_slices", "thinnest"])[0] == [2]
    assert break_ties(study, [0, 1, 2], ["thinnest", "most_slices"])[0] == [1]


def test_latest_wins_and_shows_no_time(series: Make) -> None:
    study = [series(n, "T1", SeriesDate="20200102", SeriesTime=time) for n, time in enumerate(("101500.0", "093000"))]
    left, words = break_ties(study, [0, 1], ["latest"])
    assert (left, words) == ([0], "tie-break latest (begun after series 1 'T1' (MR))")


def test_latest_is_passed_over_where_a_time_is_absent(series: Make) -> None:
    study = [series(1, SeriesDate="20200102", SeriesTime="1015"), series(2)]
    assert break_ties(study, [0, 1], ["latest"]) == ([0, 1], "")


def test_only_the_series_asked_for_are_ranked(series: Make) -> None:
    study = [series(n, shape=(64, 64, slices)) for n, slices in enumerate((99, 30, 22))]
    assert break_ties(study, [1, 2], ["most_slices"])[0] == [1]
