import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Activationsd, AsDiscreted, Compose, CropForegroundd, Invertd, Orientationd, Spacingd

from medseg.core.volume import Volume
from medseg.engine.native import Labels, highest, to_native
from medseg.engine.sliding import Slab
from medseg.transforms.prepared import preprocess
from medseg.transforms.way_back import WayBack, way_back

RAS = [Orientationd(["image"], "RAS", labels=None)]
CHAINS = {
    "turned": RAS,
    "cropped": [*RAS, CropForegroundd(["image"], "image", allow_smaller=True)],
    "finer": [*RAS, Spacingd(["image"], [0.6, 0.7, 0.9])],
    "coarser": [*RAS, Spacingd(["image"], [2.1, 1.7, 3.0])],
    "coarser and cropped": [
        *RAS,
        Spacingd(["image"], [2.1, 1.65, 1.4]),
        CropForegroundd(["image"], "image", allow_smaller=True),
    ],
    "finer and cropped": [
        *RAS,
        Spacingd(["image"], [0.5, 0.9, 0.7]),
        CropForegroundd(["image"], "image", allow_smaller=True),
    ],
}
AFFINE = np.array([[0, 0, 1.5, 3], [0.8, 0, 0, -8], [0, -1.1, 0, 30], [0, 0, 0, 1.0]])


def scene(shape) -> Volume:
    array = np.zeros((1, *shape), np.float32)
    array[:, 3:-4, 2:-3, 4:-2] = 1 + np.random.default_rng(0).random(array[:, 3:-4, 2:-3, 4:-2].shape)
    return Volume(array, AFFINE)


def logits_of(image: MetaTensor, classes: int) -> torch.Tensor:
    coarse = torch.randn(1, classes, 4, 5, 4, generator=torch.Generator().manual_seed(2)) * 3
    return torch.nn.functional.interpolate(coarse, tuple(image.shape[1:]), mode="trilinear")[0]


def stock(image: MetaTensor, logits: torch.Tensor, chain: Compose) -> np.ndarray:
    after = Compose(
        [
            Activationsd(["pred"], softmax=True),
            Invertd(["pred"], chain, orig_keys=["image"], nearest_interp=False),
            AsDiscreted(["pred"], argmax=True),
        ]
    )
    pred = after({"image": image, "pred": MetaTensor(logits.clone(), meta=image.meta)})["pred"]
    return np.asarray(pred)[0].astype(np.uint8)


def native_labels(parts, back: WayBack) -> np.ndarray:
    labels = Labels(back)
    to_native(parts, back, labels)
    return labels.array


def in_slabs(values: torch.Tensor, planes: int):
    for first in range(0, values.shape[1], planes):
        yield Slab(first, values[:, first : first + planes].clone())


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("planes", [1, 3, 50])
@pytest.mark.parametrize("classes", [2, 5])
def test_labels_are_those_of_the_bundles_own_chain(name: str, planes: int, classes: int) -> None:
    volume, chain = scene((17, 21, 15)), Compose(CHAINS[name])
    image = preprocess(volume, chain)
    logits = logits_of(image, classes)
    back = way_back(image, volume.affine_ras, volume.shape)
    assert back is not None
    ours = native_labels(in_slabs(torch.softmax(logits, 0), planes), back)
    expected = stock(image, logits, chain)
    assert ours.shape == volume.shape
    assert len(np.unique(expected)) == classes
    certain = within_reach(back)
    assert float((ours == expected)[certain].mean()) > 0.9999
    assert not ours[~certain].any()


def within_reach(back: WayBack) -> np.ndarray:
    """Voxels that do not lie exactly where the image ends: MONAI's rounding gives them a hundred millionth of it."""
    inside = np.ones(back.turned_shape, bool)
    for axis in range(3):
        places = back.places(axis)
        certain = (places > -1 + 1e-6) & (places < back.size[axis] - 1e-6)
        inside &= certain.reshape([-1 if n == axis else 1 for n in range(3)])
    native = np.zeros(back.shape, bool)
    back.turned(native)[...] = inside
    return native


@pytest.mark.parametrize("name", ["cropped", "coarser and cropped"])
def test_where_nothing_is_said_is_background(name: str) -> None:
    volume, chain = scene((17, 21, 15)), Compose(CHAINS[name])
    image = preprocess(volume, chain)
    back = way_back(image, volume.affine_ras, volume.shape)
    assert back is not None
    values = torch.stack([torch.zeros(image.shape[1:]), torch.ones(image.shape[1:])])
    everywhere = native_labels(in_slabs(values.clone(), 4), back)
    values[:, :, :3] = torch.nan
    some = native_labels(in_slabs(values, 4), back)
    assert 0 < int(some.sum()) < int(everywhere.sum()) < everywhere.size


def test_slabs_of_a_part_of_the_image_label_that_part() -> None:
    volume, chain = scene((17, 21, 15)), Compose(CHAINS["finer"])
    image = preprocess(volume, chain)
    back = way_back(image, volume.affine_ras, volume.shape)
    assert back is not None
    values = torch.stack([torch.zeros(image.shape[1:]), torch.ones(image.shape[1:])])
    whole = [slab for slab in in_slabs(values, 3)]
    empty = values.clone()
    empty[:, :6], empty[:, 15:] = 0, 0
    part = native_labels(iter(whole[2:5]), back)
    assert np.array_equal(part, native_labels(in_slabs(empty, 3), back))


@pytest.mark.parametrize("classes", [1, 2, 30])
def test_the_first_of_the_highest_wins(classes: int) -> None:
    values = torch.randint(0, 4, (classes, 5, 6, 7), generator=torch.Generator().manual_seed(0)).float()
    found = highest(values)
    assert found.dtype == torch.uint8
    assert np.array_equal(found, values.numpy().argmax(0))  # numpy takes the first
