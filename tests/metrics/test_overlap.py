"""Dice against values worked out by hand."""

import math

import numpy as np
import pytest

from medseg.core.errors import GeometryError
from medseg.metrics.overlap import dice


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
