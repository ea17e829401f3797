"""The numbers behind the charts, by hand."""

import math

import numpy as np
import pytest

from medseg.metrics.evaluation import Evaluation
from medseg.metrics.metric import METRICS
from medseg.metrics.policy import POLICIES, State
from medseg.metrics.scores import LabelScore, StudyScores
from medseg.runs.evaluation_charts import (
    Scale,
    against_volume,
    agreement_of,
    parts_of,
    scale_of,
    spread_rows,
    strip_of,
)

NAN = math.nan


def _evaluation(*rows: tuple[State, dict[str, float]]) -> Evaluation:
    """One study of the label "a" for each state and its scores."""
    studies = []
    for number, (state, scores) in enumerate(rows):
        score = LabelScore(state, dict.fromkeys(METRICS, NAN) | scores)
        studies.append(StudyScores(f"s{number}", f"s{number}", {"a": score}))
    return Evaluation(POLICIES["default"], ("a",), tuple(studies))


def _volumes(prediction: float, reference: float) -> dict[str, float]:
    return {"prediction_ml": prediction, "reference_ml": reference, "difference_ml": prediction - reference}


def test_a_strip_holds_the_scored_studies_and_counts_penalties() -> None:
    rows = _evaluation(
        ("scored", {"dice": 0.9}), ("missing", {"dice": 0.0}), ("both_empty", {}), ("prediction_empty", {"dice": 0.0})
    )
    strip = strip_of(rows, "a", "dice")
    assert strip.values == (0.9, 0.0, 0.0)
    assert strip.states == ("scored", "missing", "prediction_empty")
    assert strip.measured == (0.9,)
    assert strip.penalties == 2
    assert strip.summary.mean == pytest.approx(0.3)


def test_shares_reach_from_below_the_worst_to_one() -> None:
    strip = strip_of(_evaluation(("scored", {"dice": 0.74}), ("scored", {"dice": 0.95})), "a", "dice")
    assert scale_of([strip], "dice") == Scale(0.7, 1.0, None)


def test_a_zero_among_high_shares_stands_apart() -> None:
    rows = [("scored", {"dice": 0.9})] * 40 + [("missing", {"dice": 0.0})]
    strip = strip_of(_evaluation(*rows), "a", "dice")
    scale = scale_of([strip], "dice")
    assert scale.lane == "left"
    assert scale.place(0.0) == scale.lane_at < scale.border < scale.low
    assert scale.place(0.9) == 0.9
    assert scale.ends[0] < scale.lane_at


def test_low_shares_begin_at_zero_without_a_lane() -> None:
    strip = strip_of(_evaluation(("scored", {"dice": 0.2}), ("missing", {"dice": 0.0})), "a", "dice")
    assert scale_of([strip], "dice") == Scale(0.0, 1.0, None)


def test_a_penalty_distance_does_not_stretch_the_axis() -> None:
    strip = strip_of(_evaluation(("scored", {"hd95_mm": 4.0}), ("missing", {"hd95_mm": 373.13})), "a", "hd95_mm")
    scale = scale_of([strip], "hd95_mm")
    assert (scale.low, scale.high, scale.lane) == (0.0, 4.0, "right")
    assert scale.place(373.13) == scale.lane_at > scale.border > 4.0
    assert scale.place(4.0) == 4.0


@pytest.mark.parametrize("metric", ["dice", "hd95_mm"])
def test_nothing_scored_has_an_axis_too(metric: str) -> None:
    strip = strip_of(_evaluation(("both_empty", {})), "a", metric)
    scale = scale_of([strip], metric)
    assert (scale.low, scale.high, scale.lane) == (0.0, 1.0, None)
    assert math.isnan(scale.lane_at)


def test_agreement_is_that_of_bland_and_altman() -> None:
    rows = _evaluation(
        ("scored", _volumes(11.0, 10.0)),
        ("scored", _volumes(20.0, 22.0)),
        ("scored", _volumes(34.0, 30.0)),
        ("missing", _volumes(NAN, 5.0)),
        ("both_empty", _volumes(0.0, 0.0)),
        ("prediction_empty", _volumes(0.0, 3.0)),
    )
    one = agreement_of(rows, "a")
    assert one.mean_ml == (10.5, 21.0, 32.0, 1.5)
    assert one.difference_ml == (1.0, -2.0, 4.0, -3.0)
    assert one.bias_ml == 0.0
    deviation = math.sqrt((1 + 4 + 16 + 9) / 3)
    assert np.allclose(one.limits_ml, (-1.96 * deviation, 1.96 * deviation))
    assert one.left_out == 2


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_studies_have_no_limits(count: int) -> None:
    one = agreement_of(_evaluation(*[("scored", _volumes(2.0, 1.0))] * count, ("missing", {})), "a")
    assert one.left_out == 1
    assert math.isnan(one.limits_ml[0])
    assert math.isnan(one.bias_ml) == (count == 0)


def test_dice_stands_against_volumes_above_zero() -> None:
    rows = _evaluation(
        ("scored", _volumes(1.0, 1.0) | {"dice": 0.8}),
        ("missing", _volumes(NAN, 9.0) | {"dice": 0.0}),
        ("reference_empty", _volumes(1.0, 0.0) | {"dice": 0.0}),
    )
    one = against_volume(rows, "a")
    assert one.reference_ml == (1.0, 9.0)
    assert one.dice == (0.8, 0.0)
    assert one.left_out == 1
    assert not one.is_wide


def test_a_decade_of_volumes_is_wide() -> None:
    rows = _evaluation(*(("scored", _volumes(ml, ml) | {"dice": 1.0}) for ml in (1.0, 10.1)))
    assert against_volume(rows, "a").is_wide


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (1, [1]), (6, [6]), (7, [3, 4]), (20, [5, 5, 5, 5])])
def test_labels_are_shared_out_evenly(count: int, sizes: list[int]) -> None:
    parts = list(parts_of(range(count)))
    assert [len(part) for part in parts] == sizes
    assert [number for part in parts for number in part] == list(range(count))


def test_points_of_a_strip_spread_over_its_height_the_same_each_time() -> None:
    heights = spread_rows(100)
    assert heights == spread_rows(100)
    assert np.histogram(heights, bins=10, range=(0, 1))[0].min() >= 8
