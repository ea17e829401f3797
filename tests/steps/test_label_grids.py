"""Two grids of one shape that differ are told apart with the distance, and with what usually goes wrong."""

import numpy as np
import pytest
from label_files import AFFINE, SHAPE

from medseg.steps.label_grids import other_grid


def moved(*, i: float = 0.0) -> np.ndarray:
    affine = AFFINE.copy()
    affine[:3, 3] += i * AFFINE[:3, 0]
    return affine


def test_equal_grids_differ_in_nothing() -> None:
    assert other_grid(SHAPE, AFFINE, SHAPE, moved(i=1e-5)) is None


def test_a_moved_origin_is_told_in_millimetres() -> None:
    assert other_grid(SHAPE, moved(i=0.5), SHAPE, AFFINE) == (
        "is on another grid: corners lie 0.5 mm apart (limit 0.001 mm); "
        "only the origin differs, so its header or its voxels were moved"
    )


def test_another_shape_is_told() -> None:
    assert other_grid((10, 8, 5), AFFINE, SHAPE, AFFINE) == "is on another grid: shape 10x8x5 against 10x8x6"


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_the_same_voxels_in_another_order_are_recognised(order: tuple[int, int, int]) -> None:
    turn = np.zeros((4, 4))
    turn[3, 3] = 1
    for new, old in enumerate(order):
        turn[old, new] = 1
    turn[0] *= -1
    turn[0, 3] = SHAPE[0] - 1  # i counted from the other end
    shape = tuple(SHAPE[axis] for axis in order)
    said = other_grid(shape, AFFINE @ turn, SHAPE, AFFINE)
    assert said is not None
    assert "the same voxels in another order" in said
    assert "against LPS" in said


def test_lps_written_for_ras_is_recognised() -> None:
    said = other_grid(SHAPE, np.diag([-1.0, -1, 1, 1]) @ AFFINE, SHAPE, AFFINE)
    assert said is not None
    assert "LPS was written for RAS" in said


def test_a_header_without_direction_is_recognised() -> None:
    said = other_grid(SHAPE, np.diag([1.0, 1.5, 2.0, 1.0]), SHAPE, AFFINE)
    assert said is not None
    assert said.endswith("shape and spacing agree, so its header may have lost origin and direction")


def test_another_spacing_has_no_hint() -> None:
    said = other_grid(SHAPE, AFFINE @ np.diag([1.1, 1, 1, 1]), SHAPE, AFFINE)
    assert said is not None
    assert said.endswith("mm)")
