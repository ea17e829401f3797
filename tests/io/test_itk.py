from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medseg.core.errors import GeometryError
from medseg.core.volume import Volume
from medseg.io.itk import resample_onto

SHAPE = (12, 10, 8)
RAMP = np.array([3.0, -2.0, 0.5])  # per mm to the right, front and top
BACKGROUND = -7.0


def _affine(angles: Any, spacing_mm: Any, shift_mm: Any, mirrored: bool) -> np.ndarray:
    turn = np.eye(3)
    for axis, angle in enumerate(angles):
        a, b = [n for n in range(3) if n != axis]
        one = np.eye(3)
        one[a, a], one[a, b], one[b, a], one[b, b] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
        turn = one @ turn
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([-1.0 if mirrored else 1.0, 1, 1]) @ np.diag(spacing_mm)
    affine[:3, 3] = shift_mm - affine[:3, :3] @ ((np.array(SHAPE) - 1) / 2)
    return affine


def _world(affine: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Millimetres of every voxel, (3, I, J, K)."""
    voxels = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"))
    return np.tensordot(affine[:3, :3], voxels, 1) + affine[:3, 3, None, None, None]


def _ramp(affine: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.tensordot(RAMP, _world(affine, shape), 1).astype(np.float32)


_AFFINES = st.builds(
    _affine,
    st.tuples(*[st.floats(-np.pi, np.pi)] * 3),
    st.tuples(*[st.floats(0.5, 6.0)] * 3),
    st.tuples(*[st.floats(-8, 8)] * 3),
    st.booleans(),
)


@given(_AFFINES, _AFFINES)
def test_a_ramp_in_the_patient_stays_that_ramp_on_any_grid(source: np.ndarray, target: np.ndarray) -> None:
    shape = (7, 9, 11)
    resampled = resample_onto(Volume(_ramp(source, SHAPE)[None], source), target, shape, background=np.nan)
    places = np.tensordot(np.linalg.inv(source), np.concatenate([_world(target, shape), np.ones((1, *shape))]), 1)[:3]
    size = np.array(SHAPE)[:, None, None, None]
    between = ((places > 1e-3) & (places < size - 1 - 1e-3)).all(axis=0)  # all eight neighbours are there
    beyond = ((places < -0.5 - 1e-3) | (places > size - 0.5 + 1e-3)).any(axis=0)
    assert np.allclose(resampled.array[0][between], _ramp(target, shape)[between], atol=1e-3)
    assert np.isnan(resampled.array[0][beyond]).all()
    assert np.array_equal(resampled.affine_ras, target)


@pytest.mark.parametrize("angle", [2.225073858507e-311, 1e-300, 1e-160, 1e-13])
def test_an_angle_too_small_to_matter_changes_nothing(angle: float) -> None:
    source, straight = (_affine((0, one, 0), (1, 1, 0.5), (0.2, 0.1, 0.1), False) for one in (angle, 0))
    target = _affine((0, 0, 0), (1, 1, 0.7), (0, 0, 0), False)
    array = _ramp(straight, SHAPE)[None]
    tiny, none = (resample_onto(Volume(array, one), target, SHAPE, background=np.nan) for one in (source, straight))
    assert np.allclose(tiny.array, none.array, atol=1e-4, equal_nan=True)
    assert not np.isnan(tiny.array).all()


def test_outside_is_the_background_and_the_outer_half_voxel_is_not_outside() -> None:
    volume = Volume(np.full((1, 4, 4, 4), 5, np.int16), np.eye(4))
    target = np.eye(4)
    target[0, 3] = -1.4  # centres at -1.4, -0.4, 0.6 …
    resampled = resample_onto(volume, target, (6, 4, 4), background=BACKGROUND)
    assert resampled.array.dtype == np.float32
    assert resampled.array[0, :, 0, 0].tolist() == [BACKGROUND, 5, 5, 5, 5, BACKGROUND]


def test_between_two_voxels_lies_their_mean() -> None:
    volume = Volume(np.arange(4, dtype=np.float32).reshape(1, 4, 1, 1) ** 2, np.eye(4))
    target = np.eye(4)
    target[0, 3] = 0.5
    assert resample_onto(volume, target, (3, 1, 1)).array.ravel().tolist() == [0.5, 2.5, 6.5]


def test_channels_are_resampled_each() -> None:
    source, target = np.eye(4), np.diag([2.0, 2.0, 2.0, 1.0])
    array = np.stack([_ramp(source, SHAPE), -_ramp(source, SHAPE)])
    resampled = resample_onto(Volume(array, source), target, (5, 4, 3)).array
    assert np.allclose(resampled[0], _ramp(target, (5, 4, 3)), atol=1e-4)
    assert np.array_equal(resampled[1], -resampled[0])


def test_the_same_grid_gives_the_array_itself() -> None:
    affine = _affine((0.1, 0.2, 0.3), (0.7, 0.7, 6.5), (1, 2, 3), True)
    volume = Volume(np.ones((1, *SHAPE), np.float32), affine)
    shaken = affine.copy()
    shaken[:3, 3] += 1e-5  # what a writer's rounding leaves
    resampled = resample_onto(volume, shaken, SHAPE)
    assert resampled.array is volume.array
    assert np.array_equal(resampled.affine_ras, shaken)


def test_a_view_with_the_slices_slowest_is_read_in_its_own_order() -> None:
    slowest = np.ascontiguousarray(_ramp(np.eye(4), SHAPE).T).T[None]
    target = np.diag([2.0, 2.0, 2.0, 1.0])
    assert np.allclose(resample_onto(Volume(slowest, np.eye(4)), target, (5, 4, 3)).array[0], _ramp(target, (5, 4, 3)))


def test_an_affine_that_cannot_place_a_volume_is_refused() -> None:
    volume = Volume(np.ones((1, *SHAPE), np.float32), np.eye(4))
    with pytest.raises(GeometryError, match=r"cannot resample: the spacing is 0 x 1 x 1 mm"):
        resample_onto(volume, np.diag([0.0, 1, 1, 1]), SHAPE)
