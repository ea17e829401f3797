"""Whether two models differ, and the words for it."""

import math

import numpy as np
import pytest

from medseg.metrics.two_models import Difference, compare, rows_of_one_side

MAIZE = [6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75]


def _table(values: dict[str, float], key: tuple[str, str] = ("WT", "dice")) -> dict[tuple[str, str], dict[str, float]]:
    return {key: values}


def _studies(values: list[float]) -> dict[str, float]:
    return {f"s{n:02}": value for n, value in enumerate(values)}


def _row(**changes: float) -> Difference:
    values = {"mean": 0.02, "low": 0.01, "high": 0.03, "p": 0.01, "p_holm": 0.02, "effect": 0.8} | changes
    return Difference("WT", "dice", interval="bca", n=11, left_out=0, **values)


def test_the_textbook_example_of_paired_heights() -> None:
    (row,) = compare(_table(_studies([100 + d for d in MAIZE])), _table(_studies([100.0] * 15)), seed=0)
    assert row.mean == pytest.approx(314 / 15)  # the differences add up to 314 eighths of an inch
    assert row.p == row.p_holm == pytest.approx(0.041259765625)
    assert row.effect == pytest.approx(0.6)
    assert (row.n, row.left_out, row.interval) == (15, 0, "bca")
    assert row.low < row.mean < row.high


def test_to_swap_the_models_turns_every_sign() -> None:
    rng = np.random.default_rng(3)
    a, b = _table(_studies(rng.uniform(size=20).tolist())), _table(_studies(rng.uniform(size=20).tolist()))
    (there,), (back,) = compare(a, b, seed=0), compare(b, a, seed=0)
    assert (back.mean, back.effect, back.p) == pytest.approx((-there.mean, -there.effect, there.p))


def test_studies_that_only_one_has_or_nobody_scored_are_left_out_and_counted() -> None:
    first = {"a": 0.9, "b": math.nan, "c": 0.5, "only first": 0.1}
    second = {"a": 0.8, "b": 0.7, "c": 0.5, "only second": 0.3}
    (row,) = compare(_table(first), _table(second), seed=0)
    assert (row.n, row.left_out) == (2, 3)
    assert row.mean == pytest.approx(0.05)


def test_rows_of_one_side_are_named_and_not_compared() -> None:
    first = {key: {"a": 0.9} for key in (("WT", "dice"), ("ET", "dice"), ("WT", "nsd"))}
    second = {key: {"a": 0.8} for key in (("NET", "dice"), ("WT", "dice"))}
    assert rows_of_one_side(first, second) == [("ET", "dice"), ("WT", "nsd"), ("NET", "dice")]
    assert [(row.label, row.metric) for row in compare(first, second, seed=0)] == [("WT", "dice")]
    assert rows_of_one_side(first, first) == []


def test_a_row_without_a_pair_has_no_numbers_and_costs_the_others_nothing() -> None:
    values = _studies(list(range(1, 9)))
    zeros = _studies([0.0] * 8)
    rows = compare(
        _table(values) | _table({"x": math.nan}, ("ET", "dice")), _table(zeros) | {("ET", "dice"): {}}, seed=0
    )
    assert (rows[0].p_holm, rows[0].n) == (2 / 256, 8)
    assert rows[1].n == 0
    assert math.isnan(rows[1].p_holm)
    assert not rows[1].told_apart
    assert rows[1].sentence("A", "B", better="higher") == "dice of ET: A and B cannot be told apart with n = 0."


def test_holm_runs_over_all_labels_and_metrics() -> None:
    up = _studies(list(range(1, 9)))  # p = 2/256
    mixed = _studies([1, -2, 3, -4, 5, -6, 7, -8])
    zeros = _studies([0.0] * 8)
    keys = [("WT", "dice"), ("WT", "hd95_mm"), ("TC", "dice")]
    rows = compare({keys[0]: up, keys[1]: mixed, keys[2]: mixed}, dict.fromkeys(keys, zeros), seed=0)
    assert [(row.label, row.metric) for row in rows] == keys
    assert rows[0].p_holm == pytest.approx(3 * 2 / 256)
    assert rows[1].p_holm == rows[2].p_holm == 1.0


def test_two_studies_of_one_patient_are_one_observation() -> None:
    first, second = _studies([0.5, 0.7, 0.9]), _studies([0.4, 0.4, 0.4])
    patients = {"s00": "a", "s01": "a", "s02": "b"}
    (row,) = compare(_table(first), _table(second), seed=0, patients=patients)
    assert (row.n, row.p) == (2, 0.5)
    assert row.mean == pytest.approx(0.3)


def test_a_difference_is_told_in_words() -> None:
    assert _row().sentence("new", "old", better="higher") == (
        "dice of WT: new is better than old (mean difference +0.02, 95 % interval +0.01 to +0.03, corrected p 0.020), "
        "n = 11."
    )
    assert "new is worse than old (mean difference +0.02 mm" in _row().sentence("new", "old", better="lower", unit="mm")


@pytest.mark.parametrize(
    "changes", [{"p_holm": 0.05}, {"p_holm": math.nan}, {"low": -0.001}, {"effect": -0.8}, {"low": math.nan}]
)
def test_what_test_and_interval_do_not_both_show_cannot_be_told_apart(changes: dict[str, float]) -> None:
    row = _row(**changes)
    assert not row.told_apart
    assert "new and old cannot be told apart with n = 11" in row.sentence("new", "old", better="higher")


def test_a_model_against_itself_cannot_be_told_apart() -> None:
    table = _table(_studies([0.1, 0.5, 0.9]))
    (row,) = compare(table, table, seed=0)
    assert (row.mean, row.p, row.effect) == (0.0, 1.0, 0.0)
    assert "cannot be told apart with n = 3" in row.sentence("A", "B", better="higher")


def test_the_smallest_p_is_not_shown_as_zero() -> None:
    assert "corrected p < 0.001" in _row(p_holm=1e-7).sentence("A", "B", better="higher")
