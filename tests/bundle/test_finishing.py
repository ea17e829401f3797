from dataclasses import replace
from typing import Any

import pytest

from medseg.bundle.find import find_bundle
from medseg.bundle.finishing import finishing_steps
from medseg.bundle.read import Bundle, read_bundle

SOFTMAX = {"_target_": "monai.transforms.Activationsd", "keys": ["pred"], "softmax": True}
INVERT = {
    "_target_": "monai.transforms.Invertd",
    "keys": "pred",
    "transform": "@preprocessing",
    "orig_keys": ["image"],
    "nearest_interp": False,
    "to_tensor": True,
}
ARGMAX = {"_target_": "monai.transforms.AsDiscreted", "keys": ["pred"], "argmax": True}
TIDY = {"_target_": "monai.transforms.FillHolesd", "keys": ["pred"]}
SAVE = {"_target_": "monai.transforms.SaveImaged", "keys": ["pred"]}


@pytest.fixture(scope="module")
def hippocampus() -> Bundle:
    return read_bundle(find_bundle("hippocampus_unet3d"))


def of(bundle: Bundle, *steps: dict[str, Any]) -> Any:
    chain = {"_target_": "monai.transforms.Compose", "transforms": [*steps, SAVE]}
    return finishing_steps(replace(bundle, inference={**bundle.inference, "postprocessing": chain}))


def test_what_stands_behind_argmax_is_left_to_do(hippocampus: Bundle) -> None:
    assert of(hippocampus, SOFTMAX, INVERT, ARGMAX, TIDY) == ([TIDY], True)
    assert of(hippocampus, SOFTMAX, INVERT, ARGMAX) == ([], True)
    assert of(hippocampus, SOFTMAX, INVERT, {**ARGMAX, "keepdim": False}, TIDY, TIDY) == ([TIDY, TIDY], False)


@pytest.mark.parametrize(
    "steps",
    [
        (),
        (SOFTMAX, INVERT),
        (INVERT, SOFTMAX, ARGMAX),
        ({**SOFTMAX, "softmax": False, "sigmoid": True}, INVERT, ARGMAX),
        (SOFTMAX, {**INVERT, "nearest_interp": True}, ARGMAX),
        (SOFTMAX, {key: value for key, value in INVERT.items() if key != "nearest_interp"}, ARGMAX),
        (SOFTMAX, {**INVERT, "orig_keys": ["other"]}, ARGMAX),
        (SOFTMAX, INVERT, {**ARGMAX, "to_onehot": 3}),
        (SOFTMAX, TIDY, INVERT, ARGMAX),
    ],
)
def test_another_beginning_is_left_to_monai(hippocampus: Bundle, steps: tuple[dict[str, Any], ...]) -> None:
    assert of(hippocampus, *steps) is None


@pytest.mark.parametrize(
    "name", ["brats_segresnet", "brats_unet3d", "hippocampus_segresnet", "hippocampus_unet2d", "hippocampus_unet3d"]
)
def test_every_shipped_bundle_begins_so(name: str) -> None:
    found = finishing_steps(read_bundle(find_bundle(name)))
    assert found is not None
    steps, has_channel = found
    assert steps[0]["_target_"] == "monai.transforms.EnsureChannelFirstd"
    assert not has_channel
