"""Planes of the gallery go through the error and are cut to the labels, whichever way the file runs."""

import itertools

import numpy as np
import pytest

from medseg.runs.evaluation_facts import StudyMaps
from medseg.runs.evaluation_planes import LEAST_MM, MOST_MM, NARROWEST, planes_through, ras_index
from medseg.runs.planes import Sheet, ras_grid

WORLD = ("RL", "AP", "SI")
ORIENTATIONS = ["".join(c) for axes in itertools.permutations(WORLD) for c in itertools.product(*axes)]


def _affine(codes: str, spacing_mm: tuple[float, ...] = (1.0, 1.0, 1.0)) -> np.ndarray:
    affine = np.zeros((4, 4))
    affine[3, 3] = 1.0
    for axis, code in enumerate(codes):
        world = next(n for n, pair in enumerate(WORLD) if code in pair)
        affine[world, axis] = spacing_mm[axis] * (1 if code in "RAS" else -1)
    return affine


def _sheets(
    reference: np.ndarray,
    site: tuple[int, int, int],
    affine: np.ndarray | None = None,
    prediction: np.ndarray | None = None,
) -> list[Sheet]:
    maps = StudyMaps(prediction, reference, None, np.eye(4) if affine is None else affine, {1: "a"})
    return planes_through(maps, ras_grid(reference.shape, maps.affine_ras), site)


def _map(shape: tuple[int, ...], *box: slice) -> np.ndarray:
    labels = np.zeros(shape, np.uint8)
    labels[box] = 1
    return labels


@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_the_site_is_in_all_planes_whichever_way_the_file_runs(codes: str) -> None:
    labels = np.zeros((30, 34, 38), np.uint8)
    site = (7, 25, 11)
    labels[site] = 1
    sheets = _sheets(labels, site, _affine(codes))
    turned = ras_grid(labels.shape, _affine(codes)).turn(labels)
    assert [sheet.plane.name for sheet in sheets] == ["Axial", "Coronal", "Sagittal"]
    assert [int(sheet.cut(turned).sum()) for sheet in sheets] == [1, 1, 1]


def test_an_index_is_turned_as_the_volume_is() -> None:
    volume = np.arange(4 * 5 * 6).reshape(4, 5, 6)
    for codes in ORIENTATIONS:
        grid = ras_grid(volume.shape, _affine(codes))
        assert grid.turn(volume)[ras_index(grid, (1, 4, 2))] == volume[1, 4, 2]


@pytest.mark.parametrize("where", [0, 40, 99])
def test_a_lesion_of_one_voxel_has_surroundings_and_no_more(where: int) -> None:
    labels = np.zeros((100, 100, 100), np.uint8)
    labels[where, where, where] = 1
    for sheet in _sheets(labels, (where, where, where)):
        assert sheet.size_mm == (LEAST_MM, LEAST_MM)


def test_both_maps_are_shown_whole_where_they_fit() -> None:
    reference = _map((200, 200, 150), slice(30, 60), slice(80, 110), slice(40, 60))
    prediction = _map((200, 200, 150), slice(110, 140), slice(80, 110), slice(40, 60))
    axial = _sheets(reference, (125, 90, 50), prediction=prediction)[0]
    assert int(axial.cut(reference + prediction).sum()) == 2 * 30 * 30
    assert axial.size_mm[0] < 150


def test_labels_all_over_the_body_are_shown_around_the_error() -> None:
    labels = _map((500, 400, 300), slice(10, 490), slice(10, 390), slice(5, 295))
    for site in ((480, 200, 150), (250, 200, 150)):
        axial, coronal, _ = _sheets(labels, site)
        assert axial.size_mm == coronal.size_mm == (MOST_MM, MOST_MM)
        assert all(part.start <= here < part.stop for part, here in zip(axial.box, site, strict=True))
    assert axial.box[0] == slice(160, 340)  # the error in the middle


def test_a_long_thin_structure_is_no_thread() -> None:
    cord = _map((120, 120, 160), slice(58, 62), slice(58, 62), slice(5, 155))
    axial, coronal, _ = _sheets(cord, (60, 60, 80))
    assert axial.size_mm == (LEAST_MM, LEAST_MM)
    assert coronal.size_mm[0] / coronal.size_mm[1] >= NARROWEST


def test_a_plane_never_ends_before_the_site_and_never_after_the_image() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        shape = tuple(int(n) for n in rng.integers(6, 300, 3))
        low, high = np.sort(rng.integers(0, shape, (2, 3)), axis=0)
        labels = _map(shape, *(slice(a, b + 1) for a, b in zip(low, high, strict=True)))
        site = tuple(int(n) for n in rng.integers(0, shape))
        for sheet in _sheets(labels, site, np.diag([*rng.uniform(0.3, 8.0, 3), 1.0])):
            for part, here, length in zip(sheet.box, site, shape, strict=True):
                assert 0 <= part.start <= here < part.stop <= length


@pytest.mark.parametrize(
    ("shape", "name"), [((64, 64, 1), "Axial"), ((64, 1, 64), "Coronal"), ((1, 64, 64), "Sagittal")]
)
def test_a_flat_map_has_one_plane(shape: tuple[int, int, int], name: str) -> None:
    sheets = _sheets(np.ones(shape, np.uint8), (0, 0, 0))
    assert [sheet.plane.name for sheet in sheets] == [name]


def test_thick_slices_keep_all_planes() -> None:
    labels = _map((200, 200, 12), slice(90, 100), slice(90, 100), slice(4, 6))
    sheets = _sheets(labels, (95, 95, 5), np.diag([0.5, 0.5, 7.5, 1.0]))
    assert len(sheets) == 3
    assert min(min(sheet.shape) for sheet in sheets) >= 6


def test_empty_maps_show_the_middle_of_the_image() -> None:
    axial = _sheets(np.zeros((300, 300, 20), np.uint8), (150, 150, 10))[0]
    assert axial.box[0] == slice(60, 240)
