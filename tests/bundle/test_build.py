import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from medseg.bundle.build import (
    build_inferer,
    build_network,
    build_postprocessing,
    build_preprocessing,
    network_faults,
)
from medseg.bundle.read import Bundle, read_bundle
from medseg.core.errors import BundleError

Write = Callable[..., Path]


@pytest.fixture
def bundle(write_bundle: Write) -> Bundle:
    return read_bundle(write_bundle())


def _with(bundle: Bundle, part: str, **values: Any) -> Bundle:
    return replace(bundle, inference={**bundle.inference, part: {**bundle.inference[part], **values}})


def test_network_window_and_transforms_work_together_and_come_back_to_the_input_s_grid(bundle: Bundle) -> None:
    affine = np.array([[0.0, 0, -3, 10], [1.2, 0, 0, -20], [0, 0.9, 0, 5], [0, 0, 0, 1]])
    image = MetaTensor(np.random.default_rng(0).normal(size=(1, 18, 20, 17)).astype(np.float32), affine=affine)
    preprocessing = build_preprocessing(bundle)
    prepared = preprocessing({"image": image})["image"]
    assert prepared.shape == (1, 17, 18, 20)  # k runs to the left, i to the front, j to the top
    with torch.inference_mode():
        logits = build_inferer(bundle)(prepared[None], build_network(bundle).eval())
    data = {"image": prepared, "pred": MetaTensor(logits[0], meta=prepared.meta)}
    prediction = build_postprocessing(bundle, preprocessing)(data)["pred"]
    assert prediction.shape == (1, 18, 20, 17)
    assert np.allclose(prediction.affine, affine)


def test_built_transforms_neither_read_nor_write_files(bundle: Bundle) -> None:
    preprocessing = build_preprocessing(bundle)
    names = [
        type(t).__name__ for t in (*preprocessing.transforms, *build_postprocessing(bundle, preprocessing).transforms)
    ]
    assert names == ["Orientationd", "NormalizeIntensityd", "Activationsd", "Invertd", "AsDiscreted"]


def test_invertd_undoes_the_very_preprocessing_it_is_given(bundle: Bundle) -> None:
    preprocessing = build_preprocessing(bundle)
    assert build_postprocessing(bundle, preprocessing).transforms[1].transform is preprocessing


def test_a_reference_to_a_plain_value_is_filled_in(bundle: Bundle) -> None:
    inference = {**bundle.inference, "window": [8, 8, 8]}
    changed = _with(replace(bundle, inference=inference), "inferer", roi_size="@window")
    assert tuple(build_inferer(changed).roi_size) == (8, 8, 8)


def test_an_unsafe_class_is_refused_even_if_nothing_was_checked_before(bundle: Bundle) -> None:
    with pytest.raises(BundleError, match=r"network_def: 'os\.system' may not be built"):
        build_network(_with(bundle, "network_def", _target_="os.system"))


@pytest.mark.parametrize(
    ("part", "target"),
    [
        ("network_def", "monai.networks.nets.NoSuchNet"),
        ("network_def", "torch.nn.Parameter"),
        ("network_def", "medseg.networks.absent.Net"),
    ],
)
def test_a_name_that_is_no_network_is_refused(bundle: Bundle, part: str, target: str) -> None:
    with pytest.raises(BundleError, match=target):
        build_network(_with(bundle, part, _target_=target))


def test_wrong_arguments_are_named_with_their_place(bundle: Bundle) -> None:
    with pytest.raises(BundleError, match=r"inferer: monai\.inferers\.SlidingWindowInferer cannot be built: .*overlp"):
        build_inferer(_with(bundle, "inferer", overlp=0.25))


def test_a_network_that_keeps_its_promise_has_no_fault_and_keeps_its_mode(bundle: Bundle) -> None:
    network = build_network(bundle).train()
    assert network_faults(bundle, network) == []
    assert network.training


class _Pair(torch.nn.Module):
    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        return [image, image]


@pytest.mark.parametrize(
    ("network", "fault"),
    [
        (torch.nn.Conv3d(1, 2, 1), r"maps \(1, 1, 32, 32, 32\) to \(1, 2, 32, 32, 32\)"),
        (torch.nn.Conv3d(1, 3, 3), r"to \(1, 3, 30, 30, 30\)"),
        (torch.nn.Conv3d(4, 3, 1), "fails on an image of shape"),
        (_Pair(), "gives list in eval mode"),
    ],
)
def test_a_network_that_maps_other_shapes_is_described(bundle: Bundle, network: torch.nn.Module, fault: str) -> None:
    faults = network_faults(bundle, network)
    assert len(faults) == 2
    assert re.search(fault, faults[0])
