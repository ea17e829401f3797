import numpy as np
import pytest
from monai.transforms import Compose, CropForegroundd, NormalizeIntensityd, Orientationd, Spacingd

from medseg.core.volume import Volume
from medseg.transforms.part import above_zero, all_of
from medseg.transforms.prepared import preprocess
from medseg.transforms.way_back import way_back

AFFINES = {
    "ras": np.diag([1.0, 1.0, 1.0, 1.0]),
    "lps": np.array([[-1.0, 0, 0, 12], [0, -1.0, 0, 30], [0, 0, 1.0, -9], [0, 0, 0, 1]]),
    "sagittal": np.array([[0, 0, 1.0, 3], [1.0, 0, 0, -8], [0, -1.0, 0, 30], [0, 0, 0, 1.0]]),
}


def scene(affine: np.ndarray) -> Volume:
    array = np.zeros((2, 11, 14, 9), np.float32)
    array[0, 2:8, 3:12, 1:7] = 1 + np.random.default_rng(0).random((6, 9, 6))
    array[1, 5:9, 4:6, 2:8] = 5.0
    array[1, 0, 0, 0] = -3.0  # is not above 0
    return Volume(array, affine)


def chain() -> Compose:
    return Compose(
        [
            Orientationd(["image"], "RAS", labels=None),
            Spacingd(["image"], [1.0, 1.0, 1.0], mode="bilinear"),
            CropForegroundd(["image"], "image", allow_smaller=True),
            NormalizeIntensityd(["image"], nonzero=True, channel_wise=True),
        ]
    )


@pytest.mark.parametrize("name", AFFINES)
def test_the_chain_makes_the_same_image_of_the_part_and_finds_the_same_way_back(name: str) -> None:
    volume = scene(AFFINES[name])
    part = above_zero(volume, 1.0)
    assert part.volume.shape == (7, 9, 7)
    assert part.volume.array.base is None
    whole, cut = preprocess(volume, chain()), preprocess(part.volume, chain())
    assert np.array_equal(whole, cut)
    assert np.allclose(whole.affine, cut.affine, atol=1e-9)
    back = way_back(cut, part.volume.affine_ras, part.volume.shape)
    assert back is not None
    back = back.within(part.whole, part.corner)
    straight = way_back(whole, volume.affine_ras, volume.shape)
    assert straight is not None
    assert back.native == straight.native == volume.shape
    found = {}
    for key, one in (("part", back), ("whole", straight)):
        array = np.full(one.native, -1.0)
        places = np.meshgrid(*(one.places(axis) for axis in range(3)), indexing="ij")
        one.turned(array)[...] = places[0] + 100 * places[1] + 10_000 * places[2]
        found[key] = array
    inside = found["part"] != -1.0
    assert inside.sum() == 7 * 9 * 7
    assert np.allclose(found["part"][inside], found["whole"][inside])


@pytest.mark.parametrize("spacing", [0.9, 2.0])
def test_at_another_spacing_the_whole_is_kept(spacing: float) -> None:
    volume = scene(AFFINES["ras"])
    assert above_zero(volume, spacing).volume is volume
    assert above_zero(volume, 0.0).volume.shape == (7, 9, 7)


def test_axes_that_lean_on_each_other_are_left_to_the_chain() -> None:
    leaning = np.eye(4)
    leaning[0, 1] = -5e-5  # MONAI straightens it, and what that resamples depends on the extent
    volume = scene(leaning)
    assert above_zero(volume, 1.0).volume is volume


def test_where_nothing_is_above_zero_the_whole_is_kept() -> None:
    empty = Volume(np.zeros((1, 4, 5, 6), np.float32), np.eye(4))
    assert above_zero(empty, 1.0) == all_of(empty)
