from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medseg.core.errors import DatalistError
from medseg.core.geometry import spacing_of
from medseg.datasets.series_grid import OVERLAP_LIMIT, check_shared_space, overlap_share
from medseg.datasets.series_match import Choice, Match

Make = Callable[..., Any]
SHAPE = (10, 20, 5)


def _moved(*shift_mm: float) -> np.ndarray:
    affine = np.diag([2.0, 1.0, 4.0, 1.0])  # a box of 20 x 20 x 20 mm
    affine[:3, 3] = shift_mm
    return affine


def _rotated(angles: tuple[float, float, float], shift_mm: tuple[float, float, float]) -> np.ndarray:
    affine = np.eye(4)
    for axis, angle in enumerate(angles):
        a, b = [n for n in range(3) if n != axis]
        turn = np.eye(4)
        turn[a, a], turn[a, b], turn[b, a], turn[b, b] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
        affine = turn @ affine
    affine = affine @ np.diag([2.0, 1.0, 4.0, 1.0])
    affine[:3, 3] = shift_mm - affine[:3, :3] @ ((np.array(SHAPE) - 1) / 2)  # centred, then shifted
    return affine


@pytest.mark.parametrize(
    ("shift_mm", "share"),
    [
        ((0, 0, 0), 1.0),
        ((10, 0, 0), 0.5),
        ((0, -5, 0), 0.75),
        ((10, 10, 10), 0.125),
        ((20, 0, 0), 0.0),
        ((0, 0, 99), 0.0),
    ],
)
def test_a_shifted_box_overlaps_by_what_is_left(shift_mm: tuple[float, ...], share: float) -> None:
    assert overlap_share(SHAPE, _moved(0, 0, 0), SHAPE, _moved(*shift_mm)) == pytest.approx(share, abs=1e-9)


def test_a_box_reaches_to_the_outer_faces_of_its_voxels() -> None:
    # One voxel of 20 mm covers ten of 2 mm: centres at 9 mm, so the first of the ten lies at 0.
    assert overlap_share(
        (1, 20, 5), _moved(9, 0, 0) @ np.diag([10.0, 1, 1, 1]), SHAPE, _moved(0, 0, 0)
    ) == pytest.approx(1)


def test_it_is_the_reference_s_share_that_counts() -> None:
    large, small = (20, 40, 10), SHAPE
    assert overlap_share(small, _moved(0, 0, 0), large, _moved(0, 0, 0)) == pytest.approx(1.0)
    assert overlap_share(large, _moved(0, 0, 0), small, _moved(0, 0, 0)) == pytest.approx(1 / 8)


def test_a_mirrored_or_reordered_grid_of_the_same_box_overlaps_fully() -> None:
    flipped = _moved(0, 0, 0) @ np.array([[0, -1, 0, 9], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    assert overlap_share(SHAPE, _moved(0, 0, 0), (20, 10, 5), flipped) == pytest.approx(1.0)


def test_a_square_turned_by_45_degrees_leaves_a_regular_octagon() -> None:
    # Area of the octagon common to a unit square and itself turned: 2 (√2 - 1).
    share = overlap_share(SHAPE, _rotated((0, 0, 0), (0, 0, 0)), SHAPE, _rotated((0, 0, np.pi / 4), (0, 0, 0)))
    assert share == pytest.approx(2 * (np.sqrt(2) - 1), abs=1e-9)


_ANGLES = st.tuples(*[st.floats(-np.pi, np.pi)] * 3)
_SHIFTS = st.tuples(*[st.floats(-15, 15)] * 3)


@given(_ANGLES, _SHIFTS, _ANGLES)
def test_boxes_at_any_angle_overlap_as_points_counted_in_both(angles: Any, shift_mm: Any, other_angles: Any) -> None:
    reference, other = _rotated(angles, (0.0, 0.0, 0.0)), _rotated(other_angles, shift_mm)
    points = np.random.default_rng(0).uniform(-0.5, np.array(SHAPE) - 0.5, (20_000, 3))
    inside = (np.linalg.inv(other) @ reference @ np.vstack([points.T, np.ones(len(points))]))[:3].T
    counted = ((inside >= -0.5) & (inside <= np.array(SHAPE) - 0.5)).all(axis=1).mean()
    assert overlap_share(SHAPE, reference, SHAPE, other) == pytest.approx(counted, abs=0.02)  # 5 sigma of the count


def _match(**series: Any) -> Match:
    return Match(next(iter(series)), {channel: Choice(one, "") for channel, one in series.items()})


def test_channels_of_one_study_frame_and_box_pass(series: Make) -> None:
    assert spacing_of(series(1).affine_ras) == (1, 1, 3)
    shifted = np.diag([1.0, 1.0, 3.0, 1.0])
    shifted[2, 3] = 5.9  # of 60 mm: 9.8 % are not covered
    check_shared_space(_match(t1c=series(1), t2=series(2), flair=series(3, affine=shifted)))


def test_a_channel_elsewhere_is_named_with_its_overlap(series: Make) -> None:
    far = np.diag([1.0, 1.0, 3.0, 1.0])
    far[0, 3] = 640.0
    with pytest.raises(DatalistError, match=r"t2: overlap of t2 with t1c is 0 % \(limit 90 %\); choose series"):
        check_shared_space(_match(t1c=series(1), t2=series(2, affine=far)))


def test_the_overlap_is_rounded_downward(series: Make) -> None:
    near = np.diag([1.0, 1.0, 3.0, 1.0])
    near[2, 3] = 6.06  # 89.9 % are covered
    with pytest.raises(DatalistError, match="is 89 %"):
        check_shared_space(_match(t1c=series(1), t2=series(2, affine=near)))
    assert OVERLAP_LIMIT == 0.90


def test_another_study_or_frame_of_reference_is_named_and_all_at_once(series: Make) -> None:
    match = _match(
        t1c=series(1),
        t1=series(2, study="1.7"),
        t2=series(3, "T2", FrameOfReferenceUID="1.8"),
        flair=series(4, FrameOfReferenceUID=""),
    )
    with pytest.raises(DatalistError) as caught:
        check_shared_space(match)
    message = str(caught.value)
    assert "3 faults" in message
    assert "t1: series 2 (MR) is in another study than t1c, series 1 (MR)" in message
    assert "t2: series 3 'T2' (MR) is in another frame of reference than t1c, series 1 (MR)" in message
    assert "flair: series 4 (MR) has no FrameOfReferenceUID" in message
    assert "1.7" not in message


def test_another_patient_under_the_same_study_is_named_without_identity(series: Make) -> None:
    match = _match(t1c=series(1, PatientID="HOG-1"), t2=series(2, PatientID="HOG-2"), flair=series(3))
    with pytest.raises(DatalistError, match=r"t2: series 2 \(MR\) is of another patient than t1c") as caught:
        check_shared_space(match)
    assert "1 fault" in str(caught.value)  # flair says nothing of its patient
    assert "HOG" not in str(caught.value)


def test_a_reference_without_a_frame_is_named(series: Make) -> None:
    with pytest.raises(DatalistError, match=r"t2: t1c, series 1 \(MR\), has no FrameOfReferenceUID"):
        check_shared_space(_match(t1c=series(1, FrameOfReferenceUID=""), t2=series(2)))


def test_a_single_channel_needs_no_frame_of_reference(series: Make) -> None:
    check_shared_space(_match(t1=series(1, FrameOfReferenceUID="")))
