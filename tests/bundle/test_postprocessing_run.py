import numpy as np
import pytest
from monai.transforms import Compose, KeepLargestConnectedComponentd, SpatialPadd

from medseg.bundle.postprocessing_run import run_steps
from medseg.core.errors import GeometryError


def two_parts() -> np.ndarray:
    labels = np.zeros((8, 6, 4), np.uint8)
    labels[1:4, 1:4, 1:3] = 2
    labels[6, 4, 1] = 2
    labels[6, 1, 1] = 1
    return labels


def test_a_step_works_on_the_labels_it_is_for() -> None:
    result = run_steps(two_parts(), np.eye(4), Compose([KeepLargestConnectedComponentd(["pred"], applied_labels=[2])]))
    expected = two_parts()
    expected[6, 4, 1] = 0
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, expected)


def test_the_given_map_stays_as_it_is() -> None:
    labels = two_parts()
    run_steps(labels, np.eye(4), Compose([KeepLargestConnectedComponentd(["pred"], applied_labels=[2])]))
    np.testing.assert_array_equal(labels, two_parts())


def test_a_step_that_changes_the_shape_is_refused() -> None:
    with pytest.raises(GeometryError, match=r"shape \(8, 6, 4\) one of \(9, 9, 9\)"):
        run_steps(two_parts(), np.eye(4), Compose([SpatialPadd(["pred"], spatial_size=(9, 9, 9))]))
