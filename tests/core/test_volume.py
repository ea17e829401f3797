import numpy as np

from medseg.core.volume import Volume


def test_shape_and_spacing_are_spatial() -> None:
    volume = Volume(np.zeros((4, 5, 6, 7), np.float32), np.diag([1.0, 2.0, 3.0, 1.0]))
    assert volume.shape == (5, 6, 7)
    assert volume.spacing_mm == (1.0, 2.0, 3.0)


def test_without_voxels_the_place_stays_and_nothing_can_be_taken_for_measured() -> None:
    volume = Volume(np.ones((4, 50, 60, 70), np.float32), np.diag([1.0, 2.0, 3.0, 1.0])).without_voxels()
    assert (volume.array.shape, volume.shape, volume.spacing_mm) == ((4, 50, 60, 70), (50, 60, 70), (1.0, 2.0, 3.0))
    assert np.isnan(volume.array).all()
    assert volume.array.base.nbytes == 4
