"""Scores of all studies together: which studies a summary counts, and what a failure does to it."""

import math

import pytest

from medseg.metrics.evaluation import Evaluation
from medseg.metrics.metric import METRICS
from medseg.metrics.policy import POLICIES, State
from medseg.metrics.scores import LabelScore, StudyScores


def _study(name: str, dice: float, hd_mm: float, state: State = "scored", *, patient: str = "") -> StudyScores:
    values = dict.fromkeys(METRICS, 1.0) | {"dice": dice, "hd95_mm": hd_mm}
    failure = "its prediction is missing" if state == "missing" else ""
    return StudyScores(name, patient or f"of {name}", {"core": LabelScore(state, values)}, failure)


def _evaluation(*studies: StudyScores, seed: int = 0) -> Evaluation:
    return Evaluation(POLICIES["default"], ("core",), studies, seed)


MIXED = _evaluation(
    _study("a", 0.9, 1.0),
    _study("b", 0.7, 3.0),
    _study("c", 0.0, 100.0, "missing"),
    _study("d", 0.0, 100.0, "prediction_empty"),
    _study("e", math.nan, math.nan, "both_empty"),
)


def test_values_are_one_a_study_in_their_order() -> None:
    values = MIXED.values("core", "dice")
    assert list(values) == ["a", "b", "c", "d", "e"]
    assert [values[study] for study in "abcd"] == [0.9, 0.7, 0.0, 0.0]
    assert math.isnan(values["e"])


def test_a_failure_counts_and_an_absent_label_does_not() -> None:
    dice = MIXED.summaries["core"]["dice"].whole
    assert dice.mean == pytest.approx((0.9 + 0.7) / 4)
    assert (dice.n, dice.not_scored, dice.failed) == (4, 1, 1)
    assert [study.study for study in MIXED.failed] == ["c"]


def test_a_distance_is_summarised_with_penalty_and_where_both_exist() -> None:
    distance = MIXED.summaries["core"]["hd95_mm"]
    assert distance.whole.mean == pytest.approx((1 + 3 + 100 + 100) / 4)
    assert (distance.whole.n, distance.whole.failed) == (4, 1)
    assert distance.whole.median == pytest.approx((3 + 100) / 2)
    assert distance.both_exist is not None
    assert (distance.both_exist.mean, distance.both_exist.n) == (2.0, 2)


@pytest.mark.parametrize(("key", "metric"), METRICS.items(), ids=METRICS)
def test_every_metric_is_summarised_and_distances_twice(key: str, metric: object) -> None:
    summarised = MIXED.summaries["core"][key]
    assert (summarised.both_exist is not None) == (metric.kind == "distance")


def test_studies_of_one_patient_make_no_interval() -> None:
    several = _evaluation(*(_study(name, 0.7, 1.0, patient="one") for name in "abcdef"))
    summary = several.summaries["core"]["dice"].whole
    assert (summary.n, summary.patients, summary.interval) == (6, 1, "none")
    assert several.patients == dict.fromkeys("abcdef", "one")


def test_the_bootstrap_follows_the_seed() -> None:
    studies = [_study(name, 0.1 * n, 1.0) for n, name in enumerate("abcdefgh", 1)]
    first, again, other = (_evaluation(*studies, seed=seed).summaries["core"]["dice"].whole for seed in (1, 1, 2))
    assert first == again
    assert (first.low, first.high) != (other.low, other.high)


def test_no_study_at_all_has_summaries_without_numbers() -> None:
    summary = _evaluation().summaries["core"]["dice"].whole
    assert summary.n == 0
    assert math.isnan(summary.mean)
