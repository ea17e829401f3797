"""The middle of the largest error, on maps where one can see it."""

import numpy as np
import pytest

from medseg.core.errors import GeometryError
from medseg.metrics.error_site import error_site

SHAPE = (20, 24, 16)


def _map(*boxes: tuple[tuple[slice, ...], int], shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    labels = np.zeros(shape, np.uint8)
    for box, value in boxes:
        labels[box] = value
    return labels


NONE = _map()
CUBE = np.s_[4:9, 10:15, 3:8]  # its middle is (6, 12, 5)


@pytest.mark.parametrize(("prediction", "reference"), [(_map((CUBE, 1)), NONE), (NONE, _map((CUBE, 2)))])
def test_a_cube_in_one_map_alone_is_met_in_its_middle(prediction: np.ndarray, reference: np.ndarray) -> None:
    assert error_site(prediction, reference) == (6, 12, 5)


def test_another_class_is_an_error_too() -> None:
    around = _map((np.s_[1:19, 1:23, 1:15], 1))
    inside = around.copy()
    inside[CUBE] = 2
    assert error_site(inside, around) == (6, 12, 5)


def test_the_thicker_error_wins_over_the_larger_one() -> None:
    sheet = np.s_[0:20, 0:24, 15]
    assert error_site(_map((sheet, 1), (CUBE, 1)), NONE) == (6, 12, 5)


def test_of_two_equally_thick_errors_the_longer_one_is_met_in_its_middle() -> None:
    prediction = _map((np.s_[2:5, 2:5, 2:5], 1), (np.s_[10:13, 4:21, 8:11], 1))
    i, j, k = error_site(prediction, NONE)
    assert (i, k) == (11, 9)
    assert 5 <= j <= 19


def test_maps_that_agree_are_met_in_the_middle_of_the_reference() -> None:
    assert error_site(_map((CUBE, 3)), _map((CUBE, 3))) == (6, 12, 5)


def test_empty_maps_are_met_in_the_middle_of_the_grid() -> None:
    assert error_site(NONE, NONE) == (10, 12, 8)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_flat_map_is_met_in_its_plane(axis: int) -> None:
    flat = np.zeros((21, 25), np.uint8)
    flat[4:11, 6:13] = 1
    site = error_site(np.expand_dims(flat, axis), np.expand_dims(0 * flat, axis))
    assert site == tuple(np.insert([7, 9], axis, 0))


def test_an_error_at_the_border_of_the_image_is_met_inside_it() -> None:
    assert error_site(_map((np.s_[0:5, 0:5, 0:5], 1)), NONE) == (2, 2, 2)
    assert error_site(np.ones((5, 5, 5), np.uint8), np.zeros((5, 5, 5), np.uint8)) == (2, 2, 2)


def test_one_voxel_is_its_own_middle() -> None:
    assert error_site(_map((np.s_[19:, 23:, 15:], 1)), NONE) == (19, 23, 15)
    assert error_site(np.ones((1, 1, 1), np.uint8), np.zeros((1, 1, 1), np.uint8)) == (0, 0, 0)


def test_the_site_lies_in_the_error() -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        prediction, reference = rng.integers(0, 3, (2, 5, 6, 7)).astype(np.uint8)
        site = error_site(prediction, reference)
        assert prediction[site] != reference[site]


def test_other_grids_are_refused() -> None:
    with pytest.raises(GeometryError, match="one grid"):
        error_site(NONE, NONE[1:])


def test_in_a_large_difference_the_middle_is_found_to_within_a_few_voxels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medseg.metrics.error_site._MOST_VOXELS", 1000)
    reference = np.zeros((60, 50, 40), np.uint8)
    reference[10:50, 10:40, 10:30] = 1  # 24,000 voxels, of which every third is looked at along each axis
    site = error_site(np.zeros_like(reference), reference)
    assert reference[site] == 1
    assert 17 <= site[1] <= 32
    assert 17 <= site[2] <= 22
