import numpy as np
import pytest
import torch
from monai.inferers import SlidingWindowInferer
from monai.transforms import Activationsd, AsDiscreted, Compose, Invertd, MapLabelValued, Orientationd, Spacingd
from torch import nn

from medseg.core.errors import GeometryError
from medseg.core.volume import Volume
from medseg.engine.averaging import Member
from medseg.engine.device import Precision
from medseg.engine.inference import Predictor

LPS_THICK = np.array([[-1.0, 0, 0, 12], [0, -1.0, 0, 30], [0, 0, 2.0, -9], [0, 0, 0, 1]])


class Bright(nn.Module):
    """Class 1 where a voxel is bright, class 2 where it is very bright."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.full_like(image, 0.5), 2 * image - 1.0, 6 * image - 8.0], dim=1)


def make(*, before=(), invert: bool = True, after=(), flip_axes=()) -> Predictor:
    chain = Compose([Orientationd(["image"], "RAS", labels=None), *before])
    back = [Invertd(["pred"], chain, orig_keys=["image"], nearest_interp=False)] if invert else []
    steps = [Activationsd(["pred"], softmax=True), *back, AsDiscreted(["pred"], argmax=True), *after]
    inferer = SlidingWindowInferer(8, overlap=0.5)
    members = (Member(Bright(), inferer),)
    return Predictor(members, chain, Compose(steps), torch.device("cpu"), Precision("fp32", "cpu"), flip_axes)


def scene() -> tuple[Volume, np.ndarray]:
    classes = np.zeros((12, 14, 10), np.uint8)
    classes[2:7, 3:11, 2:6], classes[3:5, 4:9, 3:5] = 1, 2
    return Volume((classes[None] + 0.0).astype(np.float32), LPS_THICK), classes


def test_the_label_map_lies_on_the_grid_of_the_input() -> None:
    volume, classes = scene()
    prediction = make().predict(volume)
    assert prediction.dtype == np.uint8
    assert np.array_equal(prediction, classes)


def test_resampling_is_undone() -> None:
    volume, classes = scene()
    prediction = make(before=[Spacingd(["image"], [1.0, 1.0, 1.0])]).predict(volume)
    assert prediction.shape == classes.shape
    agreement = float((prediction == classes).mean())
    assert agreement > 0.97


def test_written_values_are_those_of_the_postprocessing() -> None:
    volume, classes = scene()
    prediction = make(after=[MapLabelValued(["pred"], [0, 1, 2], [0, 1, 4])]).predict(volume)
    assert np.array_equal(prediction, np.where(classes == 2, 4, classes))


def test_a_chain_that_does_not_come_back_is_refused_with_both_shapes() -> None:
    volume, _ = scene()
    broken = make(before=[Spacingd(["image"], [1.0, 1.0, 1.0])], invert=False)
    with pytest.raises(GeometryError, match=r"gives a map of shape .*, the input has \(12, 14, 10\); its Invertd"):
        broken.predict(volume)


def test_the_input_is_left_as_it_was() -> None:
    volume, _ = scene()
    before = volume.array.copy()
    make().predict(volume)
    assert np.array_equal(volume.array, before)


def test_mirror_images_of_a_network_without_a_side_change_nothing() -> None:
    volume, classes = scene()
    assert np.array_equal(make(flip_axes=(0, 1, 2)).predict(volume), classes)
