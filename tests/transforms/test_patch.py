import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medseg.core.random import generator_for
from medseg.transforms.patch import Centre, cut, draw_centre

sizes = st.tuples(*[st.integers(1, 9)] * 3)


def draws(shape, patch, positions, foreground: float, count: int = 400) -> list[Centre]:
    generator = generator_for(0, "patches")
    return [draw_centre(shape, patch, positions, foreground=foreground, generator=generator) for _ in range(count)]


def starts(centres: list[Centre], patch) -> np.ndarray:
    return np.asarray(centres) - (np.asarray(patch) - 1) / 2


@given(sizes, sizes, st.integers(0, 1000), st.floats(0, 1), st.booleans())
def test_a_patch_lies_in_the_volume_or_covers_it(shape, patch, seed: int, foreground: float, has: bool) -> None:
    positions = {1: np.array([np.asarray(shape) - 1, [0, 0, 0]], np.int32)} if has else {}
    centre = draw_centre(shape, patch, positions, foreground=foreground, generator=generator_for(seed))
    start = starts([centre], patch)[0]
    assert np.array_equal(start, np.round(start)), "whole voxels, so that a patch is a copy"
    for first, extent, n in zip(start, patch, shape, strict=True):
        assert (first >= 0 and first + extent <= n) if extent <= n else (first <= 0 and first + extent >= n)


def test_the_share_of_foreground_is_kept() -> None:
    voxel = np.array([[17, 3, 9]], np.int32)
    centres = draws((40, 40, 40), (5, 5, 5), {1: voxel}, 0.67, 2000)
    hits = np.mean([centre == (17.0, 3.0, 9.0) for centre in centres])
    assert hits == pytest.approx(0.67, abs=0.04)  # four standard errors of a share of 2000


def test_all_or_no_patches_hold_foreground_at_the_ends() -> None:
    voxel = np.array([[20, 20, 20]], np.int32)
    assert set(draws((40, 40, 40), (5, 5, 5), {1: voxel}, 1.0)) == {(20.0, 20.0, 20.0)}
    assert len(set(draws((40, 40, 40), (5, 5, 5), {1: voxel}, 0.0))) > 350


def test_a_rare_class_is_centred_on_as_often_as_a_common_one() -> None:
    common = np.argwhere(np.ones((10, 10, 10), bool)).astype(np.int32)
    rare = np.array([[30, 30, 30]], np.int32)
    centres = draws((40, 40, 40), (3, 3, 3), {1: common, 3: rare}, 1.0, 1000)
    assert np.mean([centre == (30.0, 30.0, 30.0) for centre in centres]) == pytest.approx(0.5, abs=0.07)


def test_foreground_at_the_edge_is_in_the_patch() -> None:
    centres = draws((20, 20, 20), (8, 8, 8), {1: np.array([[0, 19, 5]], np.int32)}, 1.0, 20)
    for start in starts(centres, (8, 8, 8)):
        assert ((start <= (0, 19, 5)) & (start + 8 > (0, 19, 5))).all()


def test_without_foreground_places_are_anywhere_in_the_volume() -> None:
    first = starts(draws((12, 12, 12), (8, 8, 8), {}, 1.0), (8, 8, 8))
    assert set(first[:, 0]) == {0, 1, 2, 3, 4}


def test_a_patch_larger_than_the_volume_covers_it_at_changing_offsets() -> None:
    first = starts(draws((4, 30, 4), (8, 8, 8), {1: np.array([[1, 15, 2]], np.int32)}, 0.5), (8, 8, 8))
    assert set(first[:, 0]) == {-4, -3, -2, -1, 0}


def test_slices_are_drawn_along_the_whole_thin_axis() -> None:
    first = starts(draws((6, 20, 20), (1, 16, 16), {}, 0.0), (1, 16, 16))
    assert set(first[:, 0]) == set(range(6))


@given(sizes, st.tuples(*[st.integers(-12, 12)] * 3), sizes)
def test_cutting_pads_with_zero_where_the_box_reaches_outside(shape, start, size) -> None:
    array = np.arange(1, 2 * np.prod(shape) + 1).reshape(2, *shape)
    padded = np.pad(array, [(0, 0)] + [(12, 24)] * 3)
    i, j, k = (slice(first + 12, first + 12 + n) for first, n in zip(start, size, strict=True))
    assert np.array_equal(cut(array, start, size), padded[:, i, j, k])


def test_a_cut_is_a_copy_of_the_same_type() -> None:
    array = np.ones((3, 3, 3), np.uint8)
    box = cut(array, (0, 0, 0), (3, 3, 3))
    box[:] = 7
    assert array.max() == 1
    assert box.dtype == np.uint8


def test_random_places_are_equally_likely_the_ends_of_an_axis_too() -> None:
    first = starts(draws((12, 12, 12), (8, 8, 8), {}, 0.0, 4000), (8, 8, 8))
    for axis in range(3):
        shares = np.bincount(first[:, axis].astype(int), minlength=5) / len(first)
        assert shares == pytest.approx(np.full(5, 0.2), abs=0.03)  # five standard errors
