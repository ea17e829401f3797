import numpy as np
import pytest

from medseg.core.types import BoolArray
from medseg.core.volume import Volume
from medseg.planning.measures import QUANTILES, StudyMeasures, measure_study

RAS = np.diag([1.0, 2.0, 3.0, 1.0])


def one_part(mask: BoolArray) -> tuple[int, int]:
    return 1, int(mask.sum())


def measured(array: np.ndarray, label: np.ndarray, affine: np.ndarray = RAS) -> StudyMeasures:
    return measure_study(Volume(array, affine), label, count_parts=one_part)


@pytest.fixture
def brick() -> tuple[np.ndarray, np.ndarray]:
    """Ones in a box of 4 x 6 x 2 voxels; label 1 fills its left half, label 3 one voxel in its right half."""
    array, label = np.zeros((1, 10, 12, 8), np.float32), np.zeros((10, 12, 8), np.uint8)
    array[0, 2:6, 3:9, 4:6] = 10.0
    array[0, 4:6, 3:9, 4:6] = 20.0
    label[2:4, 3:9, 4:6] = 1
    label[5, 3, 4] = 3
    return array, label


def test_sizes_are_those_of_the_file_and_of_what_is_not_0(brick: tuple[np.ndarray, np.ndarray]) -> None:
    found = measured(*brick)
    assert found.shape == (10, 12, 8)
    assert found.box == (4, 6, 2)
    assert found.spacing_mm == (1.0, 2.0, 3.0)
    assert found.stored_axes == "RAS"
    assert found.zero_share == pytest.approx(1 - 48 / 960)
    assert found.labelled_voxels == 25


def test_labels_are_counted_and_placed_from_the_middle_of_the_box(brick: tuple[np.ndarray, np.ndarray]) -> None:
    labels = measured(*brick).labels
    assert list(labels) == [1, 3]
    assert (labels[1].voxels, labels[1].ml) == (24, pytest.approx(24 * 6 / 1000))
    assert labels[1].centre_mm == pytest.approx((-1.0, 0.0, 0.0))  # columns 2 and 3; the middle is 3.5
    assert labels[1].spread_mm == pytest.approx((0.5, 2 * (35 / 12) ** 0.5, 1.5))  # of 2, 6 and 2 equal steps
    assert labels[3].centre_mm == pytest.approx((1.5, -5.0, -1.5))


def test_intensities_are_those_under_the_labels(brick: tuple[np.ndarray, np.ndarray]) -> None:
    (channel,) = measured(*brick).channels
    assert (channel.low, channel.high) == (0.0, 20.0)
    assert channel.mean == pytest.approx((24 * 10 + 20) / 25)
    assert channel.deviation == pytest.approx((24 * 0.4**2 + 9.6**2) ** 0.5 / 5)
    assert len(channel.quantiles) == QUANTILES
    assert (channel.quantiles[0], channel.quantiles[100], channel.quantiles[-1]) == (10.0, 10.0, 20.0)


def test_a_study_without_a_labelled_voxel_has_no_quantiles(brick: tuple[np.ndarray, np.ndarray]) -> None:
    found = measured(brick[0], np.zeros_like(brick[1]))
    assert (found.labels, found.labelled_voxels, found.channels[0].quantiles) == ({}, 0, ())


def test_an_empty_image_is_its_own_box() -> None:
    found = measured(np.zeros((1, 5, 6, 7)), np.zeros((5, 6, 7), np.uint8))
    assert (found.box, found.zero_share) == ((5, 6, 7), 1.0)


def test_the_order_of_the_stored_axes_changes_nothing(brick: tuple[np.ndarray, np.ndarray]) -> None:
    array, label = brick
    # the same body stored with axes to the front, the left and the top
    turned = np.flip(array.transpose(0, 2, 1, 3), 2), np.flip(label.transpose(1, 0, 2), 1)
    affine = np.array([[0, -1.0, 0, 9], [2, 0, 0, 0], [0, 0, 3, 0], [0, 0, 0, 1]], np.float64)
    stored, other = measured(array, label), measured(turned[0], turned[1], affine)
    assert other.stored_axes == "ALS"
    assert other.digest == stored.digest
    assert other.signature == stored.signature
    assert other.labels == stored.labels
    assert (other.shape, other.spacing_mm, other.box) == (stored.shape, stored.spacing_mm, stored.box)


def test_another_voxel_is_another_digest(brick: tuple[np.ndarray, np.ndarray]) -> None:
    changed = brick[0].copy()
    changed[0, 0, 0, 0] = 1.0
    assert measured(changed, brick[1]).digest != measured(*brick).digest
