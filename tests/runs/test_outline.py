"""Outlines follow pixel edges exactly: what they enclose is the mask."""

import re

import numpy as np
import pytest

from medseg.runs.outline import outline_path


def _corners(path: str) -> list[list[tuple[int, int]]]:
    """Corner points (x, y) of each loop, read as a browser does."""
    loops = []
    for loop in filter(None, path.split("z")):
        x, y = (int(number) for number in re.match(r"M(\d+) (\d+)", loop).groups())
        points = [(x, y)]
        for kind, length in re.findall(r"([hv])(-?\d+)", loop):
            x, y = (x + int(length), y) if kind == "h" else (x, y + int(length))
            points.append((x, y))
        loops.append(points)
    return loops


def _filled(path: str, shape: tuple[int, int]) -> np.ndarray:
    """Even-odd rule: a pixel is inside if an odd number of upright edges lies to its left."""
    filled = np.zeros(shape, int)
    for points in _corners(path):
        for (x, y), (next_x, next_y) in zip(points, [*points[1:], points[0]], strict=True):
            assert x == next_x or y == next_y
            filled[min(y, next_y) : max(y, next_y), x:] += 1
    return filled % 2 == 1


def test_one_pixel_is_a_square_of_side_one() -> None:
    mask = np.zeros((4, 5), bool)
    mask[2, 3] = True
    (points,) = _corners(outline_path(mask))
    assert {*points} == {(3, 2), (4, 2), (4, 3), (3, 3)}


def test_a_ring_has_two_loops() -> None:
    mask = np.ones((5, 5), bool)
    mask[2, 2] = False
    assert outline_path(mask).count("z") == 2


def test_straight_edges_are_one_step_each() -> None:
    assert outline_path(np.ones((30, 40), bool)).count("h") + outline_path(np.ones((30, 40), bool)).count("v") == 3


def test_an_empty_mask_has_no_outline() -> None:
    assert outline_path(np.zeros((3, 4), bool)) == ""


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_a_browser_fills_just_the_mask(share: float) -> None:
    mask = np.random.default_rng(int(100 * share)).random((23, 31)) < share
    assert np.array_equal(_filled(outline_path(mask), mask.shape), mask)


def test_pixels_that_touch_at_a_corner_are_both_inside() -> None:
    mask = np.eye(4, dtype=bool)
    assert np.array_equal(_filled(outline_path(mask), (4, 4)), mask)
