"""Dice against values worked out by hand."""

import math

import numpy as np
import pytest

from medseg.core.errors import GeometryError
from medseg.metrics.overlap import Overlap, dice, overlap


def _cube(start: int, shape: tuple[int, ...] = (8, 8, 8)) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[start : start + 4, 2:6, 2:6] = True
    return mask


def test_equal_masks_score_one() -> None:
    assert dice(_cube(1), _cube(1)) == 1.0


def test_masks_apart_score_nothing() -> None:
    assert dice(_cube(0), _cube(4)) == 0.0


def test_two_cubes_of_four_moved_by_one_share_three_quarters() -> None:
    assert dice(_cube(1), _cube(2)) == pytest.approx(2 * 48 / 128)


def test_it_does_not_matter_which_mask_comes_first() -> None:
    small = _cube(1)
    small[1] = False
    assert dice(small, _cube(1)) == dice(_cube(1), small) == pytest.approx(2 * 48 / 112)


def test_two_empty_masks_are_not_scored() -> None:
    empty = np.zeros((3, 3, 3), bool)
    assert math.isnan(dice(empty, empty))


@pytest.mark.parametrize("swap", [False, True])
def test_one_empty_mask_scores_nothing(swap: bool) -> None:
    pair = [_cube(1), np.zeros((8, 8, 8), bool)]
    assert dice(*(pair[::-1] if swap else pair)) == 0.0


def test_another_shape_is_refused_even_where_it_would_broadcast() -> None:
    with pytest.raises(GeometryError, match=r"shape \(8, 8, 1\), the reference \(8, 8, 8\)"):
        dice(np.ones((8, 8, 1), bool), np.ones((8, 8, 8), bool))


def test_scores_follow_from_the_counts() -> None:
    counts = Overlap(tp=6, fp=2, fn=4, voxel_ml=0.5)
    assert (counts.dice, counts.iou, counts.precision, counts.recall) == (12 / 18, 6 / 12, 6 / 8, 6 / 10)
    assert (counts.prediction_ml, counts.reference_ml, counts.difference_ml) == (4.0, 5.0, -1.0)


def test_a_prediction_too_large_has_a_positive_difference() -> None:
    big, small = _cube(1), _cube(1)
    small[1] = False
    counts = overlap(big, small, (1.0, 2.0, 5.0))
    assert (counts.tp, counts.fp, counts.fn) == (48, 16, 0)
    assert counts.difference_ml == pytest.approx(16 * 10 / 1000)


@pytest.mark.parametrize(("fp", "fn"), [(5, 0), (0, 5)])
def test_one_empty_mask_is_worst_in_every_score(fp: int, fn: int) -> None:
    counts = Overlap(0, fp, fn, 1.0)
    assert (counts.dice, counts.iou, counts.precision, counts.recall) == (0.0, 0.0, 0.0, 0.0)
    assert counts.difference_ml == fp - fn


def test_two_empty_masks_have_volumes_and_no_score() -> None:
    counts = Overlap(0, 0, 0, 1.0)
    scores = (counts.dice, counts.iou, counts.precision, counts.recall)
    assert all(math.isnan(score) for score in scores)
    assert (counts.reference_ml, counts.difference_ml) == (0.0, 0.0)
