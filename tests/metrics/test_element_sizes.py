"""The areas of marching cubes, worked out from three rules, against MONAI's table and shapes of known area."""

import numpy as np
import pytest

from medseg.metrics.element_sizes import element_sizes
from medseg.metrics.mask_pair import compare_masks

SPACINGS = [(1.0, 1.0, 1.0), (0.5, 0.5, 7.5), (3.0, 0.7, 1.2), (0.9, 4.0, 0.3)]


@pytest.mark.parametrize("spacing_mm", [*SPACINGS, *(s[:2] for s in SPACINGS)], ids=str)
def test_every_area_and_length_is_that_of_monais_table(spacing_mm: tuple[float, ...]) -> None:
    from monai.metrics.utils import get_code_to_measure_table

    theirs = np.asarray(get_code_to_measure_table(spacing_mm, device="cpu")[0])
    bits = 2 ** len(spacing_mm)
    mirrored = [int(format(code, f"0{bits}b")[::-1], 2) for code in range(2**bits)]  # MONAI's first corner is bit 7
    np.testing.assert_allclose(element_sizes(spacing_mm)[mirrored], theirs, rtol=1e-6)


@pytest.mark.parametrize("axes", [2, 3])
def test_foreground_and_background_may_be_swapped(axes: int) -> None:
    sizes = element_sizes((0.7, 1.3, 2.9)[:axes])
    np.testing.assert_allclose(sizes, sizes[::-1], rtol=1e-14)


def test_what_lies_within_a_mask_or_outside_has_no_surface() -> None:
    assert element_sizes((1.0, 1.0, 1.0))[[0, 255]].tolist() == [0.0, 0.0]
    assert (element_sizes((1.0, 1.0, 1.0))[1:255] > 0.0).all()


def test_a_flat_wall_has_the_area_of_the_voxel_faces() -> None:
    sizes = element_sizes((2.0, 3.0, 5.0))
    wall_across = {0: 0b11110000, 1: 0b11001100, 2: 0b10101010}  # filled on the far side along that axis
    assert [sizes[code] for code in wall_across.values()] == pytest.approx([15.0, 10.0, 6.0])


def test_one_voxel_is_an_octahedron() -> None:
    mask = np.ones((1, 1, 1), bool)
    area = compare_masks(mask, mask, (2.0, 2.0, 2.0)).surfaces["area"].of_prediction.total
    assert area == pytest.approx(2.0 * np.sqrt(3.0) * 2.0)  # 2 sqrt(3) a² with edges of a = sqrt(2) mm


def test_one_pixel_is_a_rhombus() -> None:
    mask = np.ones((1, 1), bool)
    length = compare_masks(mask, mask, (3.0, 4.0)).surfaces["area"].of_prediction.total
    assert length == pytest.approx(4 * 2.5)


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (0.8, 0.8, 2.0)], ids=str)
def test_a_ball_has_nearly_its_area(spacing_mm: tuple[float, ...]) -> None:
    radius_mm = 20.0
    axes = [(np.arange(64) - 31.5) * edge for edge in spacing_mm]
    ball = sum(np.square(axis) for axis in np.ix_(*axes)) <= radius_mm**2
    area = compare_masks(ball, ball, spacing_mm).surfaces["area"].of_prediction.total
    assert area == pytest.approx(4.0 * np.pi * radius_mm**2, rel=0.15)  # steps make the surface of a mask too large
