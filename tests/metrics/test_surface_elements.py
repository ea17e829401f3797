"""Which voxels and corners are surface, against looking at each."""

import numpy as np
import pytest
import slow_truth

from medseg.metrics.element_sizes import element_sizes
from medseg.metrics.lattice import Lattice
from medseg.metrics.surface_elements import ELEMENTS, Elements


def _elements(kind: str, mask: np.ndarray, spacing_mm: tuple[float, ...]) -> tuple[np.ndarray, Elements]:
    lattice = Lattice(mask.shape, spacing_mm)
    found = ELEMENTS[kind](lattice.place(lambda out: np.copyto(out, mask)), lattice)
    return lattice.coordinates(found.points) - lattice.coordinates(np.array([lattice.steps[0]])), found


@pytest.mark.parametrize("seed", range(24))
def test_surface_voxels_have_a_face_to_the_background(seed: int) -> None:
    mask, _, spacing_mm = slow_truth.random_pair(seed)
    index, found = _elements("voxel", mask, spacing_mm)
    np.testing.assert_array_equal(index, slow_truth.surface_voxels(mask))
    assert (found.size == 1.0).all()


@pytest.mark.parametrize("seed", range(24))
def test_surface_corners_have_the_area_of_what_is_around_them(seed: int) -> None:
    mask, _, spacing_mm = slow_truth.random_pair(seed)
    index, found = _elements("area", mask, spacing_mm)
    corners = slow_truth.surface_corners(mask)
    np.testing.assert_array_equal(index, corners)
    np.testing.assert_array_equal(found.size, element_sizes(spacing_mm)[slow_truth.corner_codes(mask, corners)])


def test_the_mask_is_left_as_it_was() -> None:
    lattice = Lattice((3, 3), (1.0, 1.0))
    line = lattice.place(lambda out: out.fill(True))
    for elements in ELEMENTS.values():
        elements(line, lattice)
    assert np.count_nonzero(line) == 9
