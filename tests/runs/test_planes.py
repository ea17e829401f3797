"""Planes lie as a radiologist expects, whichever way the voxels of the file run."""

import itertools

import numpy as np
import pytest

from medseg.core.geometry import PICTURE_RAS, axis_codes
from medseg.runs.planes import PLANES, Sheet, body_box, most_foreground, ras_grid

SHAPE = (5, 7, 9)  # along R, A, S
SPACING = (1.0, 2.0, 3.0)
ORIENTATIONS = [
    "".join(codes) for axes in itertools.permutations(("RL", "AP", "SI")) for codes in itertools.product(*axes)
]


def _affine(codes: str) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = 0.0
    for axis, code in enumerate(codes):
        world = ["RL", "AP", "SI"].index(next(pair for pair in ("RL", "AP", "SI") if code in pair))
        affine[world, axis] = SPACING[world] * (1.0 if code in "RAS" else -1.0)
    return affine


def _as_stored(ras: np.ndarray, codes: str) -> np.ndarray:
    order = [next(world for world, pair in enumerate(("RL", "AP", "SI")) if code in pair) for code in codes]
    flips = tuple(slice(None, None, 1 if code in "RAS" else -1) for code in codes)
    return np.transpose(ras, order)[flips]


@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_every_orientation_turns_to_the_same_volume(codes: str) -> None:
    ras = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    stored = _as_stored(ras, codes)
    assert axis_codes(_affine(codes)) == codes
    grid = ras_grid(stored.shape, _affine(codes))
    assert np.array_equal(grid.turn(stored), ras)
    assert grid.spacing_mm == SPACING
    assert grid.shape == SHAPE


@pytest.mark.parametrize("codes", ["RAS", "LPS", "PSR", "ILA"])
def test_a_title_names_the_slice_of_the_file(codes: str) -> None:
    stored = _as_stored(np.arange(np.prod(SHAPE)).reshape(SHAPE), codes)
    grid = ras_grid(stored.shape, _affine(codes))
    index = (1, 2, 3)
    for plane in PLANES:
        axis, _, place = grid.voxel(index, plane.normal).split()
        wanted = np.take(grid.turn(stored), index[plane.normal], axis=plane.normal)
        assert set(np.take(stored, int(place), axis="ijk".index(axis)).ravel()) == set(wanted.ravel())


@pytest.mark.parametrize("plane", PLANES, ids=lambda plane: plane.name)
def test_each_letter_stands_at_the_side_it_names(plane) -> None:  # type: ignore[no-untyped-def]
    middle = tuple(size // 2 for size in SHAPE)
    sheet = Sheet(plane, middle, tuple(slice(0, size) for size in SHAPE), SPACING)  # type: ignore[arg-type]
    edges = {"left": np.s_[:, 0], "right": np.s_[:, -1], "top": np.s_[0, :], "bottom": np.s_[-1, :]}
    for letter, side in zip(plane.letters, edges.values(), strict=True):
        volume = np.zeros(SHAPE, bool)
        axis = "RAS".find(letter) if letter in "RAS" else "LPI".find(letter)
        volume[tuple((-1 if letter in "RAS" else 0) if n == axis else slice(None) for n in range(3))] = True
        assert sheet.cut(volume)[side].all(), letter
        assert sheet.cut(volume).sum() == sheet.cut(volume)[side].size


def test_pixels_are_as_high_and_wide_as_the_voxels() -> None:
    sizes = [Sheet(plane, (0, 0, 0), body_box(np.ones(SHAPE, bool)), SPACING) for plane in PLANES]
    assert [sheet.pixel_mm for sheet in sizes] == [(2.0, 1.0), (3.0, 1.0), (3.0, 2.0)]
    assert [sheet.size_mm for sheet in sizes] == [(5.0, 14.0), (5.0, 27.0), (14.0, 27.0)]


def test_the_slices_are_those_with_most_of_the_mask_and_the_middle_of_equals() -> None:
    mask = np.zeros((20, 20, 20), bool)
    mask[4:9, 5:8, 6:7] = True
    assert most_foreground(mask) == (6, 6, 6)
    mask[15, 12:19, 11:19] = True
    assert most_foreground(mask)[0] == 15


def test_an_empty_mask_gives_the_middle_of_the_volume() -> None:
    assert most_foreground(np.zeros((10, 11, 1), bool)) == (5, 5, 0)


def test_the_box_holds_the_mask_and_stays_in_the_volume() -> None:
    mask = np.zeros((20, 20, 20), bool)
    mask[1, 10, 18] = True
    assert body_box(mask, margin=2) == (slice(0, 4), slice(8, 13), slice(16, 20))
    assert body_box(np.zeros((3, 4, 5), bool)) == (slice(0, 3), slice(0, 4), slice(0, 5))


def test_a_picture_is_one_plane_without_directions_as_it_is_seen() -> None:
    shape = (7, 5, 1)
    grid = ras_grid(shape, PICTURE_RAS)
    assert [(plane.letters, plane.unit) for plane in grid.planes] == [((), "px")]
    assert grid.caption_of_all(grid.planes[0], (0, 0, 0)) == "Picture"
    pixels = np.arange(35).reshape(shape)
    sheet = Sheet(grid.planes[0], (0, 0, 0), (slice(0, 7), slice(0, 5), slice(0, 1)), grid.spacing_mm)
    assert np.array_equal(sheet.cut(grid.turn(pixels)), pixels[..., 0].T)


def test_a_slice_of_a_patient_keeps_its_directions() -> None:
    for shape, affine in (((7, 5, 2), PICTURE_RAS), ((7, 5, 1), np.diag([-1.0, -1.0, 3.0, 1.0]))):
        assert ras_grid(shape, affine).planes == PLANES
