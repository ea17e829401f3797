from typing import Any

import pytest

from medseg.bundle.card_facts import Score
from medseg.bundle.card_scores import measurement_of_results, score_of
from medseg.bundle.packaged_metadata import results_of_holdout

ROW = {"mean": 0.9, "ci95": [0.8, 0.95], "n": 11, "failed": 1}


def test_the_results_of_a_bundle_are_its_own_word_with_the_rules_they_were_scored_by() -> None:
    found = measurement_of_results({"WT": {"dice": ROW, "iou": ROW}, "policy": "default", "policy_digest": "abc"})
    assert found is not None
    assert (found.source, found.policy, found.policy_digest) == ("bundle", "default", "abc")
    assert found.scores == {"WT": {"dice": Score(0.9, 0.8, 0.95, 11, 1)}}


def test_the_results_of_a_hold_out_are_known_as_such() -> None:
    found = measurement_of_results(results_of_holdout({"WT": {"mean": 0.5, "low": None, "high": None, "n": 2}}))
    assert found is not None
    assert found.source == "holdout"
    assert found.scores == {"WT": {"dice": Score(0.5, None, None, 2)}}


@pytest.mark.parametrize("results", [{}, {"mean_dice": 0.85}, {"WT": {"dice": 0.9}}, {"WT": {"dice": {"mean": 0.9}}}])
def test_numbers_without_how_many_studies_are_no_measurement(results: dict[str, Any]) -> None:
    assert measurement_of_results(results) is None


@pytest.mark.parametrize(
    ("row", "score"),
    [
        ({**ROW, "mean": None, "ci95": [None, None], "n": 0}, Score(None, None, None, 0, 1)),
        ({**ROW, "mean": float("nan")}, Score(None, 0.8, 0.95, 11, 1)),
        ({**ROW, "ci95": None}, None),
        ({**ROW, "n": "many"}, None),
        ("0.9", None),
        (None, None),
    ],
)
def test_a_score_is_read_where_it_is_one(row: Any, score: Score | None) -> None:
    assert score_of(row) == score
