"""A straightened series holds at each place in the patient what the tilted slices held there."""

import itertools

import numpy as np
import pytest

from medseg.io.dicom_tilt import straighten

COUNT, ROWS, COLUMNS = 7, 14, 18
SPACING = np.array([0.8, 1.25])  # along i, along j
AXES = np.array([[0.8, -0.6, 0.0], [0.48, 0.64, -0.6], [0.36, 0.48, 0.8]])  # orthonormal; i, j, k in its rows
AFFINE = np.eye(4)
AFFINE[:3, :3] = (AXES * [[SPACING[0]], [SPACING[1]], [3.0]]).T
AFFINE[:3, 3] = [11.0, -7.5, 40.25]
BACKGROUND = -1024.0


def ramp(places: np.ndarray) -> np.ndarray:
    """A value for each place (..., 3) in the patient, linear in the place: linear interpolation keeps it exactly."""
    return places @ [2.0, -3.0, 1.5] + 100.0


def tilted_planes(drift_mm: tuple[float, float]) -> np.ndarray:
    """The ramp as a gantry sees it whose slice k lies k times the drift sideways; (K, J, I)."""
    k, j, i = np.meshgrid(np.arange(COUNT), np.arange(ROWS), np.arange(COLUMNS), indexing="ij")
    places = np.stack([i, j, k, np.ones_like(i)], axis=-1) @ AFFINE.T
    sideways = drift_mm[0] * AXES[0] + drift_mm[1] * AXES[1]
    return ramp(places[..., :3] + k[..., None] * sideways)


@pytest.mark.parametrize(
    "drift_mm",
    [
        *[(sign * 0.9, 0.0) for sign in (1, -1)],
        *[(0.0, sign * 0.9) for sign in (1, -1)],
        *itertools.product((0.37, -0.37), (1.1, -1.1)),
        (0.8, -1.25),  # whole pixels
        (0.0, 0.0),
    ],
)
def test_a_ramp_stays_where_it_is_in_the_patient(drift_mm: tuple[float, float]) -> None:
    planes, affine = straighten(tilted_planes(drift_mm), AFFINE, drift_mm, BACKGROUND)
    k, j, i = np.meshgrid(*[np.arange(n) for n in planes.shape], indexing="ij")
    places = (np.stack([i, j, k, np.ones_like(i)], axis=-1) @ affine.T)[..., :3]
    # Where this voxel lies in its own tilted slice, in pixels of it.
    own = np.stack([i, j], axis=-1) + np.linalg.solve(AFFINE[:3, :3], affine[:3, 3] - AFFINE[:3, 3])[:2]
    own = own - k[..., None] * np.asarray(drift_mm) / SPACING
    inside = ((own > -1e-9) & (own < np.array([COLUMNS, ROWS]) - 1 + 1e-9)).all(axis=-1)
    outside = ((own < -1) | (own > [COLUMNS, ROWS])).any(axis=-1)
    assert inside.sum() >= COUNT * (COLUMNS - 1) * (ROWS - 1)
    assert np.abs(planes - ramp(places))[inside].max() < 1e-3
    assert (planes[outside] == BACKGROUND).all()


def test_the_grid_holds_every_slice_and_no_more() -> None:
    planes, affine = straighten(tilted_planes((-0.8, 1.25)), AFFINE, (-0.8, 1.25), BACKGROUND)
    assert planes.shape == (COUNT, ROWS + COUNT - 1, COLUMNS + COUNT - 1)
    # Towards negative i the grid begins six pixels earlier; along j it only ends later.
    assert np.allclose(affine[:3, 3], AFFINE[:3, 3] - 6 * SPACING[0] * AXES[0])
    assert np.array_equal(affine[:3, :3], AFFINE[:3, :3])


def test_whole_pixels_are_moved_without_arithmetic() -> None:
    values = np.random.default_rng(0).normal(0, 1e3, (COUNT, ROWS, COLUMNS)).astype(np.float32)
    planes, _ = straighten(values, AFFINE, (0.8, 0.0), BACKGROUND)
    for k in range(COUNT):
        assert np.array_equal(planes[k, :, k : k + COLUMNS], values[k])
