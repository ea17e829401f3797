import numpy as np
import pytest
import torch
from monai.transforms import Compose, CropForegroundd, Orientationd, Spacingd

from medseg.core.volume import Volume
from medseg.engine.native import to_native
from medseg.engine.sliding import Slab
from medseg.engine.uncertainty import Entropy, mean_in
from medseg.transforms.prepared import preprocess
from medseg.transforms.way_back import WayBack, way_back


def a_way_back(*steps) -> tuple[WayBack, tuple[int, ...]]:
    array = np.zeros((1, 8, 9, 10), np.float32)
    array[:, 2:6, 2:7, 3:8] = 1.0
    volume = Volume(array, np.diag([-1.0, 1.5, 2.0, 1.0]))
    image = preprocess(volume, Compose([Orientationd(["image"], "RAS", labels=None), *steps]))
    back = way_back(image, volume.affine_ras, volume.shape)
    assert back is not None
    return back, tuple(image.shape[1:])


def entropy_of(values: torch.Tensor, back: WayBack) -> np.ndarray:
    entropy = Entropy(back)
    to_native(iter([Slab(0, values)]), back, entropy)
    return entropy.array


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_being_sure_is_0_and_having_no_idea_is_1(classes: int) -> None:
    back, shape = a_way_back()
    no_idea = torch.full((classes, *shape), 1 / classes)
    assert np.allclose(entropy_of(no_idea, back), 1.0)
    sure = torch.zeros(classes, *shape)
    sure[1] = 1.0
    assert np.array_equal(entropy_of(sure, back), np.zeros(back.shape))


def test_of_two_classes_it_is_the_binary_entropy() -> None:
    back, shape = a_way_back()
    values = torch.stack([torch.full(shape, 0.25), torch.full(shape, 0.75)])
    expected = -(0.25 * np.log2(0.25) + 0.75 * np.log2(0.75))
    assert np.allclose(entropy_of(values, back), expected)


def test_at_the_edge_of_a_crop_the_shares_count_and_outside_it_is_0() -> None:
    back, shape = a_way_back(
        Spacingd(["image"], [1.0, 1.0, 1.0]), CropForegroundd(["image"], "image", allow_smaller=True)
    )
    found = entropy_of(torch.full((4, *shape), 0.25), back)
    assert set(np.unique(found.round(5))) == {0.0, 1.0}
    assert found[0, 0, 0] == 0.0


def test_each_label_has_the_mean_of_its_voxels() -> None:
    labels = np.array([[[0, 1, 1], [4, 4, 1]]], np.uint8)
    entropy = np.array([[[0.9, 0.1, 0.2], [0.5, 0.7, 0.6]]], np.float32)
    found = mean_in(entropy, labels, [1, 2, 4])
    assert found[1] == pytest.approx(0.3)
    assert found[4] == pytest.approx(0.6)
    assert np.isnan(found[2])
