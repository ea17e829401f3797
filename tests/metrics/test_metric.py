"""Every row of the table of metrics keeps the promises of its columns."""

import math

import numpy as np
import pytest

from medseg.metrics.lesions import score_lesions
from medseg.metrics.mask_pair import compare_masks
from medseg.metrics.metric import METRICS, Measured, Metric
from medseg.metrics.policy import POLICIES

every = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
SPACING = (1.0, 1.0, 2.0)


def _measured(prediction: np.ndarray, reference: np.ndarray) -> Measured:
    policy = POLICIES["default"]
    return Measured(
        "a",
        compare_masks(prediction, reference, SPACING, elements=("voxel", "area")),
        score_lesions(prediction, reference, SPACING, rules=policy.lesions),
        policy,
    )


def _mask(*corner: int, side: int = 4) -> np.ndarray:
    mask = np.zeros((20, 20, 20), bool)
    mask[tuple(slice(n, n + side) for n in corner)] = True
    return mask


REFERENCE = _mask(4, 4, 4)


@pytest.mark.parametrize(("key", "metric"), METRICS.items(), ids=METRICS)
def test_the_unit_of_a_metric_is_in_its_key_and_follows_from_its_kind(key: str, metric: Metric) -> None:
    assert metric.title
    assert metric.unit in ("", "mm", "ml")
    assert (metric.unit != "") == key.endswith(f"_{metric.unit or '?'}")
    assert metric.kind != "distance" or (metric.unit, metric.better) == ("mm", "lower")
    assert metric.kind != "share" or (metric.unit, metric.better) == ("", "higher")
    assert not metric.compared or metric.better


def test_titles_are_told_apart() -> None:
    assert len({metric.title for metric in METRICS.values()}) == len(METRICS)


@every
def test_equal_masks_have_the_best_value(metric: Metric) -> None:
    value = metric.value(_measured(REFERENCE, REFERENCE))
    assert math.isfinite(value)
    if metric.better:
        assert value == (1.0 if metric.better == "higher" else 0.0)


@every
def test_no_metric_is_better_the_further_a_mask_lies_off(metric: Metric) -> None:
    values = [metric.value(_measured(_mask(4 + step, 4, 4), REFERENCE)) for step in (0, 1, 2, 3)]
    ordered = sorted(values, reverse=metric.better == "higher")
    assert metric.better is None or values == ordered


@every
def test_shares_lie_between_0_and_1_and_distances_above_0(metric: Metric) -> None:
    for prediction in (_mask(5, 5, 4), _mask(4, 4, 4, side=6), _mask(12, 12, 12)):
        value = metric.value(_measured(prediction, REFERENCE))
        assert metric.kind != "share" or 0.0 <= value <= 1.0
        assert metric.kind != "distance" or value >= 0.0


def test_values_of_two_cubes_are_those_of_a_pocket_calculator() -> None:
    measured = _measured(_mask(5, 4, 4), REFERENCE)  # 64 voxels of 2 mm³ each, 48 shared, one voxel of 1 mm off
    wanted = {
        "dice": 0.75,
        "iou": 48 / 80,
        "precision": 0.75,
        "recall": 0.75,
        "hd_mm": 1.0,
        "reference_ml": 0.128,
        "prediction_ml": 0.128,
        "difference_ml": 0.0,
        "lesion_dice": 0.75,
        "lesion_f1": 1.0,
        "lesions_matched": 1,
        "lesions_missed": 0,
        "lesions_hallucinated": 0,
    }
    for key, value in wanted.items():
        assert METRICS[key].value(measured) == pytest.approx(value), key


def test_a_difference_is_positive_where_too_much_was_segmented() -> None:
    assert METRICS["difference_ml"].value(_measured(_mask(4, 4, 4, side=5), REFERENCE)) == pytest.approx(0.122)


def test_models_are_compared_by_few_metrics() -> None:
    assert [key for key, metric in METRICS.items() if metric.compared] == ["dice", "nsd", "hd95_mm"]
