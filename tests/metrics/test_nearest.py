"""The nearest of many points, against looking at all of them: near, far, and where the spacing leaves few in sight."""

import numpy as np
import pytest
import slow_truth

from medseg.metrics.columns import search_order, sight_of
from medseg.metrics.lattice import REACH, Lattice, lengths_mm
from medseg.metrics.nearest import nearest

SPACINGS = [
    (1.0, 1.0, 1.0),
    (0.5, 0.5, 7.5),
    (7.5, 0.5, 0.5),
    (0.1, 0.1, 0.1),
    (1.0, 30.0, 2.0),
    (0.7, 0.7),
    (5.0, 0.3),
]


def _places(lattice: Lattice, mask: np.ndarray) -> np.ndarray:
    return np.flatnonzero(lattice.place(lambda out: np.copyto(out, mask)))


@pytest.mark.parametrize("spacing_mm", SPACINGS, ids=str)
@pytest.mark.parametrize("share", [0.0005, 0.01, 0.3])
def test_distances_are_those_of_all_pairs(spacing_mm: tuple[float, ...], share: float) -> None:
    rng = np.random.default_rng(int(1000 * share) + len(spacing_mm))
    shape = (37, 23, 45) if len(spacing_mm) == 3 else (60, 90)
    masks = [rng.random(shape) < share for _ in range(2)]
    for n, mask in enumerate(masks):
        mask[(n,) * mask.ndim] = True  # never empty
    lattice = Lattice(shape, spacing_mm)
    points, targets = (_places(lattice, mask) for mask in masks)
    found = nearest(points[:400], targets, lattice)
    expected = slow_truth.distances(np.argwhere(masks[0])[:400], np.argwhere(masks[1]), spacing_mm)
    np.testing.assert_allclose(found.distance_mm[found.rank], expected, rtol=1e-12)


def test_no_target_is_endlessly_far() -> None:
    lattice = Lattice((4, 4), (1.0, 1.0))
    points = _places(lattice, np.ones((4, 4), bool))
    found = nearest(points, points[:0], lattice)
    assert np.isinf(found.distance_mm[found.rank]).all()


@pytest.mark.parametrize("away", [1, REACH, REACH + 1, 200])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_n_voxels_apart_is_n_times_the_spacing_to_the_last_bit(axis: int, away: int) -> None:
    spacing_mm = (0.6, 0.9, 0.3)
    shape = tuple(1 + away if n == axis else 1 for n in range(3))
    lattice = Lattice(shape, spacing_mm)
    places = _places(lattice, np.ones(shape, bool))
    found = nearest(places[:1], places[-1:], lattice)
    assert found.distance_mm[found.rank].tolist() == [away * spacing_mm[axis]]


@pytest.mark.parametrize("spacing_mm", SPACINGS, ids=str)
def test_the_search_settles_nothing_beyond_its_sight(spacing_mm: tuple[float, ...]) -> None:
    search = search_order(spacing_mm, sight_of(spacing_mm))
    assert (np.diff(search.distance_mm) > 0.0).all()
    side = np.arange(-REACH - 1, REACH + 2)
    offsets = np.stack(np.meshgrid(*[side] * len(spacing_mm), indexing="ij"), -1).reshape(-1, len(spacing_mm))
    in_sight = lengths_mm(offsets, spacing_mm)
    assert set(in_sight[in_sight < sight_of(spacing_mm)].tolist()) == set(search.distance_mm.tolist())


@pytest.mark.parametrize("spacing_mm", SPACINGS, ids=str)
@pytest.mark.parametrize("limit_mm", [0.0, 0.5, 1.4, 40.0])
def test_up_to_a_limit_nothing_changes(spacing_mm: tuple[float, ...], limit_mm: float) -> None:
    rng = np.random.default_rng(5)
    lattice = Lattice((20,) * len(spacing_mm), spacing_mm)
    points, targets = (_places(lattice, rng.random(lattice.box) < 0.05) for _ in range(2))
    whole, part = (nearest(points, targets, lattice, limit_mm=mm) for mm in (np.inf, limit_mm))
    whole_mm, part_mm = (found.distance_mm[found.rank] for found in (whole, part))
    within = whole_mm <= limit_mm
    np.testing.assert_array_equal(part_mm[within], whole_mm[within])
    assert (part_mm[~within] > limit_mm).all()
