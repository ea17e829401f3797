import numpy as np

from medseg.core.volume import Volume


def test_shape_and_spacing_are_spatial() -> None:
    volume = Volume(np.zeros((4, 5, 6, 7), np.float32), np.diag([1.0, 2.0, 3.0, 1.0]))
    assert volume.shape == (5, 6, 7)
    assert volume.spacing_mm == (1.0, 2.0, 3.0)
