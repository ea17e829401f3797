"""Masks in their boxes overlap, move and mirror as the whole arrays do."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from medseg.metrics.overlap import dice
from medseg.metrics.placed import Cutout, dice_of, place, shared_voxels

SHAPE = (5, 6, 7)
masks = arrays(bool, SHAPE).filter(np.any)
ORIGIN = (0, 0, 0)


@given(masks, masks)
def test_overlap_is_that_of_the_whole_arrays(first: np.ndarray, second: np.ndarray) -> None:
    a, b = place(first, ORIGIN), place(second, ORIGIN)
    assert shared_voxels(a, b) == np.count_nonzero(first & second)
    assert dice_of(a, b) == dice(first, second)


@given(masks, masks, st.sampled_from([0, 1, 2]))
def test_a_mirror_image_is_that_of_the_whole_array(first: np.ndarray, second: np.ndarray, axis: int) -> None:
    mirrored = place(first, ORIGIN).mirrored(axis, SHAPE[axis])
    assert shared_voxels(mirrored, place(second, ORIGIN)) == np.count_nonzero(np.flip(first, axis) & second)


@given(masks, masks, st.tuples(*[st.integers(-8, 8)] * 3))
def test_a_move_goes_past_the_end_of_the_grid(first: np.ndarray, second: np.ndarray, steps: tuple[int, ...]) -> None:
    room = np.zeros((2, 25, 25, 25), bool)
    room[0, 9:14, 9:15, 9:16], room[1, 9:14, 9:15, 9:16] = first, second
    moved = np.roll(room[0], steps, (0, 1, 2))
    assert shared_voxels(place(first, ORIGIN).moved(steps), place(second, ORIGIN)) == np.count_nonzero(moved & room[1])


@given(masks)
def test_the_centroid_is_the_mean_of_the_indices(mask: np.ndarray) -> None:
    expected = np.argwhere(mask).mean(axis=0) + np.array([10, 20, 30])
    np.testing.assert_allclose(place(mask, (10, 20, 30)).centroid, expected)


def test_an_empty_mask_lies_nowhere() -> None:
    assert place(np.zeros(SHAPE, bool), ORIGIN) is None


def test_a_cutout_gains_an_axis() -> None:
    assert Cutout((4, 5), (1, 2)).thickened(1) == Cutout((4, 1, 5), (1, 0, 2))
