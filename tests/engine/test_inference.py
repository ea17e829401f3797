from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.inferers import SlidingWindowInferer
from monai.transforms import (
    Activationsd,
    AsDiscreted,
    Compose,
    CropForegroundd,
    Invertd,
    MapLabelValued,
    NormalizeIntensityd,
    Orientationd,
    Spacingd,
)
from torch import nn

from medseg.core.errors import GeometryError, InferenceError
from medseg.core.volume import Volume
from medseg.core.window import Window
from medseg.engine.averaging import Member
from medseg.engine.device import Precision
from medseg.engine.footprint import RUNGS
from medseg.engine.forward import Forward, Mode
from medseg.engine.inference import Finishing, Predictor
from medseg.transforms.part import all_of

LPS_THICK = np.array([[-1.0, 0, 0, 12], [0, -1.0, 0, 30], [0, 0, 2.0, -9], [0, 0, 0, 1]])


class Bright(nn.Module):
    """Class 1 where a voxel is bright, class 2 where it is very bright."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.full_like(image, 0.5), 2 * image - 1.0, 6 * image - 8.0], dim=1)


FP32 = Mode(Precision("fp32", "cpu"))
WINDOW = Window((8, 8, 8), (0.5, 0.5, 0.5))


def make(*, before=(), invert: bool = True, after=(), flip_axes=(), by_slabs: bool = True, exact: bool = False):
    chain = Compose([Orientationd(["image"], "RAS", labels=None), *before])
    back = [Invertd(["pred"], chain, orig_keys=["image"], nearest_interp=False)] if invert else []
    steps = [Activationsd(["pred"], softmax=True), *back, AsDiscreted(["pred"], argmax=True), *after]
    members = (Member(Forward(Bright(), FP32), SlidingWindowInferer(8, overlap=0.5), WINDOW),)
    finishing = Finishing(Compose(after), has_channel=True) if by_slabs else None
    return Predictor(members, chain, Compose(steps), finishing, torch.device("cpu"), flip_axes, exact)


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
    broken = make(before=[Spacingd(["image"], [1.0, 1.0, 1.0])], invert=False, by_slabs=False)
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


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("flip_axes", [(), (0, 2)])
@pytest.mark.parametrize(
    "before",
    [
        [],
        [Spacingd(["image"], [1.3, 0.9, 1.1])],
        [Spacingd(["image"], [0.9, 1.2, 1.1]), CropForegroundd(["image"], "image", allow_smaller=True)],
    ],
    ids=["as stored", "resampled", "cropped"],
)
def test_slab_by_slab_comes_out_what_the_whole_chain_gives(before, flip_axes, exact: bool) -> None:
    volume, _ = scene()
    after = [MapLabelValued(["pred"], [0, 1, 2], [0, 1, 4])]
    whole = make(before=before, after=after, flip_axes=flip_axes, by_slabs=False, exact=exact).predict(volume)
    slabs = make(before=before, after=after, flip_axes=flip_axes, exact=exact).predict(volume)
    assert set(np.unique(whole)) == {0, 1, 4}
    assert float((slabs == whole).mean()) > 0.999


def test_a_network_that_says_nan_is_refused() -> None:
    class Broken(nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return torch.cat([image, image / 0.0], dim=1)

    volume, _ = scene()
    predictor = make()
    member = replace(predictor.members[0], forward=Forward(Broken(), FP32))
    with pytest.raises(InferenceError, match=r"says nan or infinity, in fp32; its weights or this image are damaged"):
        replace(predictor, members=(member,)).predict(volume)


def test_what_is_empty_is_background_and_costs_no_window() -> None:
    seen = []

    class Counting(Bright):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            seen.append(image.shape[0])
            return super().forward(image)

    array = np.zeros((1, 40, 40, 40), np.float32)
    array[:, 20:26, 20:26, 20:26] = 1.0
    volume = Volume(array, np.eye(4))
    member = replace(make().members[0], forward=Forward(Counting(), FP32))
    labels = {}
    for exact in (True, False):
        seen.clear()
        labels[exact] = replace(make(exact=exact), members=(member,)).predict(volume)
        labels[exact, "windows"] = sum(seen)
    assert np.array_equal(labels[True], labels[False])
    assert (labels[True, "windows"], labels[False, "windows"]) == (9**3, 1)


@pytest.mark.parametrize("flip_axes", [(), (0,)])
@pytest.mark.parametrize("before", [[], [Spacingd(["image"], [1.3, 0.9, 1.1])]], ids=["as stored", "resampled"])
def test_the_label_map_is_the_same_wherever_sums_are_kept(before, flip_axes, tmp_path: Path) -> None:
    volume, _ = scene()
    predictor = replace(make(before=before, flip_axes=flip_axes), scratch=tmp_path)
    maps = [predictor.finish(predictor.look(predictor.prepare(all_of(volume)), rung)) for rung in RUNGS]
    assert maps[0].any()
    assert all(np.array_equal(one, maps[0]) for one in maps[1:])
    assert not list(tmp_path.iterdir())


def test_cropping_first_changes_nothing() -> None:
    volume, _ = scene()
    chain = [CropForegroundd(["image"], "image", allow_smaller=True), NormalizeIntensityd(["image"], nonzero=True)]
    whole = make(before=chain)
    first = replace(whole, crops_at_mm=0.0)
    assert first.part_of(volume).volume.shape < volume.shape
    assert np.array_equal(first.predict(volume), whole.predict(volume))


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("by_slabs", [True, False])
def test_a_scan_with_nothing_above_zero_is_refused_and_not_called_healthy(exact: bool, by_slabs: bool) -> None:
    chain = [CropForegroundd(["image"], "image", allow_smaller=True)]
    dark = -1 - np.random.default_rng(0).random((1, 12, 14, 10), np.float32)
    with pytest.raises(InferenceError, match="no voxel is above 0"):
        make(before=chain, exact=exact, by_slabs=by_slabs).predict(Volume(dark, LPS_THICK))


@pytest.mark.parametrize("value", [0.0, 7.0])
def test_a_scan_of_one_value_is_refused(value: float) -> None:
    array = np.concatenate([scene()[0].array, np.full((1, 12, 14, 10), value, np.float32)])
    with pytest.raises(InferenceError, match=f"nothing to look at: channel 2 is {value:g} in every voxel"):
        make().predict(Volume(array, LPS_THICK))


def test_a_scan_that_is_kept_is_not_written_into() -> None:
    volume = Volume(np.random.default_rng(0).random((1, 9, 9, 9), np.float32) + 1, np.eye(4))
    before = volume.array.copy()
    predictor = make(before=[NormalizeIntensityd(["image"], channel_wise=True)])
    predictor.prepare(all_of(volume), keep=True)
    assert np.array_equal(volume.array, before)


@pytest.mark.parametrize("window", [True, False])
def test_nan_is_refused_whoever_runs_the_inferer(window: bool) -> None:
    class Broken(nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return torch.full((len(image), 3, *image.shape[2:]), torch.nan)

    member = Member(Forward(Broken(), FP32), SlidingWindowInferer(8, overlap=0.5), WINDOW if window else None)
    with pytest.raises(InferenceError, match="says nan"):
        replace(make(), members=(member,)).predict(scene()[0])
