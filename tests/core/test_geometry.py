import math

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medseg.core.geometry import affine_fault, axis_codes, grid_difference, spacing_of


def rotation_z(degrees: float) -> np.ndarray:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[c, -s, 0, 0], [s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])


def test_spacing_is_the_length_of_a_voxel_edge_in_any_pose() -> None:
    affine = rotation_z(37) @ np.diag([0.5, 2.0, 3.0, 1.0])
    assert spacing_of(affine) == pytest.approx((0.5, 2.0, 3.0))


@given(
    order=st.permutations(range(3)),
    signs=st.tuples(*[st.sampled_from((-1.0, 1.0))] * 3),
    tilt=st.floats(-40, 40),
    sizes=st.tuples(*[st.floats(0.1, 9)] * 3),
)
def test_axis_codes_agree_with_nibabel(
    order: list[int], signs: tuple[float, ...], tilt: float, sizes: tuple[float, ...]
) -> None:
    matrix = np.zeros((4, 4))
    for axis, world in enumerate(order):
        matrix[world, axis] = signs[axis] * sizes[axis]
    matrix[3, 3] = 1
    affine = rotation_z(tilt) @ matrix
    assert axis_codes(affine) == "".join(nibabel.aff2axcodes(affine))


def test_no_direction_is_named_twice_at_45_degrees() -> None:
    pairs = {"L": "LR", "R": "LR", "P": "PA", "A": "PA", "I": "IS", "S": "IS"}
    assert {pairs[code] for code in axis_codes(rotation_z(45))} == {"LR", "PA", "IS"}


def test_a_scanner_pose_has_no_fault() -> None:
    affine = rotation_z(12) @ np.diag([0.7, -0.7, 5.0, 1.0])
    affine[:3, 3] = (-120.5, 30, 900)
    assert affine_fault(affine.astype(np.float32).astype(float)) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({(0, 0): math.nan}, "not finite"),
        ({(1, 3): math.inf}, "not finite"),
        ({(2, 2): 0.0}, "the spacing is 1 x 1 x 0 mm"),
        ({(2, 2): 250.0}, "between 0.001 and 100"),
        ({(0, 1): 0.02}, "not at right angles"),
    ],
)
def test_an_affine_that_cannot_place_a_volume_says_why(change: dict[tuple[int, int], float], words: str) -> None:
    affine = np.eye(4)
    for place, value in change.items():
        affine[place] = value
    assert words in str(affine_fault(affine))


def test_an_affine_of_another_shape_is_a_fault() -> None:
    assert affine_fault(np.eye(3)) is not None


def test_one_grid_has_no_difference_after_float32_rounding() -> None:
    affine = rotation_z(33.3) @ np.diag([0.4883, 0.4883, 1.25, 1.0])
    affine[:3, 3] = (-124.7, -101.3, 55.9)
    rounded = affine.astype(np.float32).astype(np.float64)
    assert grid_difference((512, 512, 120), affine, (512, 512, 120), rounded) is None


def test_another_shape_is_told_with_both_shapes() -> None:
    assert grid_difference((4, 5, 6), np.eye(4), (4, 5, 7), np.eye(4)) == "shape 4x5x6 against 4x5x7"


def test_half_a_voxel_is_another_grid() -> None:
    shifted = np.eye(4)
    shifted[0, 3] = 0.5
    assert "0.5 mm apart" in str(grid_difference((4, 4, 4), np.eye(4), (4, 4, 4), shifted))


def test_a_small_turn_counts_at_the_far_corner() -> None:
    degrees = math.degrees(0.01 / 199)  # 0.01 mm at 199 mm from the origin
    assert grid_difference((2, 2, 2), np.eye(4), (2, 2, 2), rotation_z(degrees)) is None
    assert grid_difference((200, 2, 2), np.eye(4), (200, 2, 2), rotation_z(degrees)) is not None
