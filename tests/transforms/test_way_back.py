import numpy as np
import pytest
import torch
from monai.transforms import (
    CenterSpatialCropd,
    Compose,
    CropForegroundd,
    NormalizeIntensityd,
    Orientationd,
    Resized,
    Spacingd,
    SpatialPadd,
)

from medseg.core.volume import Volume
from medseg.transforms.prepared import preprocess
from medseg.transforms.way_back import way_back

RAS = [Orientationd(["image"], "RAS", labels=None)]
SPACED = [*RAS, Spacingd(["image"], [1.0, 1.0, 1.0], mode="bilinear")]
CROPPED = [*SPACED, CropForegroundd(["image"], "image", allow_smaller=True), NormalizeIntensityd(["image"])]
AFFINES = {
    "ras": np.diag([1.0, 1.0, 1.0, 1.0]),
    "lps": np.array([[-0.8, 0, 0, 12], [0, -1.3, 0, 30], [0, 0, 2.0, -9], [0, 0, 0, 1]]),
    "sagittal": np.array([[0, 0, 1.5, 3], [0.7, 0, 0, -8], [0, -1.1, 0, 30], [0, 0, 0, 1.0]]),
    "oblique": np.array([[0.8, 0.3, 0, 5], [-0.27, 0.72, 0.4, 6], [0.1, -0.35, 1.8, 7], [0, 0, 0, 1]]),
}


def straight(affine: np.ndarray) -> np.ndarray:
    """With axes at right angles, as scanners give them, and the same spacing."""
    turned, _ = np.linalg.qr(affine[:3, :3])
    signs = np.sign((turned * affine[:3, :3]).sum(axis=0))
    result = affine.copy()
    result[:3, :3] = turned * signs * np.linalg.norm(affine[:3, :3], axis=0)
    return result


def scene(name: str, shape=(11, 14, 9)) -> Volume:
    array = np.zeros((1, *shape), np.float32)
    array[:, 2:8, 3:12, 1:7] = 1 + np.random.default_rng(0).random((1, 6, 9, 6))
    return Volume(array, straight(AFFINES[name]))


@pytest.mark.parametrize("name", AFFINES)
@pytest.mark.parametrize("chain", [[], RAS, SPACED, CROPPED], ids=["nothing", "turned", "resampled", "cropped"])
def test_places_are_where_the_affines_say(name: str, chain) -> None:
    volume = scene(name)
    image = preprocess(volume, Compose(chain))
    back = way_back(image, volume.affine_ras, volume.shape)
    assert back is not None
    wanted = np.stack(np.meshgrid(*(np.arange(n) for n in volume.shape), indexing="ij"), axis=-1)
    through = np.linalg.solve(np.asarray(image.affine), volume.affine_ras)
    wanted = wanted @ through[:3, :3].T + through[:3, 3]
    for axis in range(3):
        found = np.empty(back.turned_shape)
        found[:] = back.places(axis).reshape([-1 if n == axis else 1 for n in range(3)])
        native = np.empty(volume.shape)
        back.turned(native)[...] = found
        limits = np.clip(
            wanted[..., axis],
            max(-1, -back.corner[axis]),
            min(back.size[axis], back.grid[axis] - 1 - back.corner[axis]),
        )
        assert np.allclose(native, limits, atol=1e-6)


def test_turning_alone_keeps_voxels() -> None:
    volume = scene("lps")
    back = way_back(preprocess(volume, Compose(RAS)), volume.affine_ras, volume.shape)
    assert back is not None
    assert back.keeps_voxels
    assert back.flipped == (True, True, False)


def test_resampling_does_not() -> None:
    volume = scene("lps")
    back = way_back(preprocess(volume, Compose(SPACED)), volume.affine_ras, volume.shape)
    assert back is not None
    assert not back.keeps_voxels


@pytest.mark.parametrize(
    "chain",
    [
        [*RAS, Resized(["image"], (8, 8, 8))],
        [*RAS, SpatialPadd(["image"], (20, 20, 20))],
        [CropForegroundd(["image"], "image", allow_smaller=True), *SPACED],
        [*RAS, Spacingd(["image"], [1.0, 1.0, 1.0], mode=3)],
        [*RAS, Spacingd(["image"], [1.0, 1.0, 1.0], mode="nearest")],
        [*RAS, Spacingd(["image"], [1.0, 1.0, 1.0], padding_mode="zeros")],
        [*RAS, CropForegroundd(["image"], "image", k_divisible=16, allow_smaller=True)],
        [Spacingd(["image"], [1.0, 1.0, 1.0], diagonal=True)],
    ],
    ids=["resized", "padded", "cropped before", "spline", "nearest", "zeros", "divisible", "oblique"],
)
def test_what_it_does_not_know_it_leaves_to_monai(chain) -> None:
    volume = scene("oblique")
    assert way_back(preprocess(volume, Compose(chain)), volume.affine_ras, volume.shape) is None


def test_a_crop_of_the_centre_is_a_crop() -> None:
    volume = scene("sagittal")
    image = preprocess(volume, Compose([*RAS, CenterSpatialCropd(["image"], (6, 7, 8))]))
    back = way_back(image, volume.affine_ras, volume.shape)
    assert back is not None
    assert back.size == (6, 7, 8)
    assert back.keeps_voxels


def test_the_trace_stays_on_the_image() -> None:
    volume = scene("lps")
    image = preprocess(volume, Compose(CROPPED))
    before = len(image.applied_operations)
    way_back(image, volume.affine_ras, volume.shape)
    assert len(image.applied_operations) == before
    assert torch.is_tensor(image)
