import copy
from collections.abc import Callable
from typing import Any

import pytest

from medseg.bundle.foreign_faults import channel_first_steps, foreign_faults, is_plain_label_map

Change = Callable[[dict[str, Any]], None]
_T = "monai.transforms."
_CHANNEL = {"_target_": f"{_T}EnsureChannelFirstd", "keys": "image"}
_SPACE = {"_target_": f"{_T}Spacingd", "keys": "image", "pixdim": [1, 1, 1]}
_BACK = {"_target_": f"{_T}Invertd", "keys": "pred", "transform": "@preprocessing", "nearest_interp": False}
_HIGHEST = {"_target_": f"{_T}AsDiscreted", "keys": "pred", "argmax": True}
_SAVE = {"_target_": f"{_T}SaveImaged", "keys": "pred"}


@pytest.fixture
def parts() -> dict[str, Any]:
    """Four parts that medseg runs as MONAI does."""
    load = {"_target_": f"{_T}LoadImaged", "keys": "image"}
    return copy.deepcopy(
        {
            "network_def": {"_target_": "monai.networks.nets.UNet", "spatial_dims": 3},
            "preprocessing": {"_target_": f"{_T}Compose", "transforms": [load, _CHANNEL, _SPACE]},
            "inferer": {"_target_": "monai.inferers.SimpleInferer"},
            "postprocessing": {"_target_": f"{_T}Compose", "transforms": [_BACK, _HIGHEST, _SAVE]},
        }
    )


def _before(parts: dict[str, Any]) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = parts["preprocessing"]["transforms"]
    return steps


def _after(parts: dict[str, Any]) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = parts["postprocessing"]["transforms"]
    return steps


def test_the_usual_chain_has_no_fault(parts: dict[str, Any]) -> None:
    assert foreign_faults(parts) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p["preprocessing"]["transforms"].insert(1, {"_target_": f"{_T}EnsureTyped", "keys": "image"}),
        lambda p: _before(p)[0].update(ensure_channel_first=True) or _before(p).remove(_CHANNEL),
        lambda p: _after(p).remove(_SAVE),
        lambda p: _before(p).remove(_SPACE) or _after(p).remove(_BACK),
        lambda p: (
            p["network_def"].update(spatial_dims=2) or p["inferer"].update(_target_="monai.inferers.SliceInferer")
        ),
        lambda p: _after(p)[0].update(nearest_interp=True) or _after(p).reverse() or _after(p).append(_after(p).pop(0)),
        lambda p: _after(p).__setitem__(1, {"_target_": "scripts.post.Highest", "keys": "pred"}),
    ],
    ids=[
        "typed_first",
        "by_reader",
        "no_writer",
        "no_way_back_needed",
        "slices",
        "nearest_behind_argmax",
        "own_labels",
    ],
)
def test_what_comes_to_the_same_is_no_fault(parts: dict[str, Any], change: Change) -> None:
    change(parts)
    assert foreign_faults(parts) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda p: p.update(network_def=None), "network_def: is disabled"),
        (lambda p: p.update(inferer=print), "inferer: is builtin_function_or_method, made by an expression"),
        (lambda p: p["preprocessing"].update(transforms="x"), "preprocessing: is no monai.transforms.Compose"),
        (lambda p: _before(p).append(print), "preprocessing.transforms.3: is builtin_function_or_method, made by"),
        (lambda p: _before(p).pop(0), "preprocessing.transforms.0: is monai.transforms.EnsureChannelFirstd"),
        (lambda p: _before(p)[0].update(keys=["artery", "vein"]), "gives a bundle 'image' alone"),
        (lambda p: _before(p)[0].update(reader="PILReader"), "PILReader reads pictures"),
        (lambda p: _before(p)[0].update(dtype="int16"), "reads numbers of 32 bits"),
        (lambda p: _before(p).append(_before(p)[0]), "preprocessing.transforms.3: LoadImaged: more files"),
        (lambda p: _before(p).remove(_CHANNEL), "Spacingd stands where no EnsureChannelFirstd"),
        (lambda p: p["preprocessing"].update(transforms=_before(p)[:1]), "nothing puts the channel first"),
        (lambda p: p["network_def"].update(spatial_dims=2), "for pictures"),
        (lambda p: p["network_def"].update(pretrained=True), "never from the network"),
        (lambda p: _after(p)[-1].update(keys=["pred_spleen"]), "medseg writes 'pred'"),
        (lambda p: _after(p).insert(0, {"_target_": f"{_T}Activationsd", "sigmoid": True}), "channels are regions"),
        (lambda p: _after(p)[1].update(argmax=False, threshold=0.5), "no AsDiscreted with argmax"),
        (lambda p: _after(p).remove(_BACK), "no Invertd undoes Spacingd"),
        (lambda p: _after(p).append(_after(p).pop(0)), "transforms.2.nearest_interp: false behind argmax"),
    ],
)
def test_what_would_give_another_map_than_monai_is_named(parts: dict[str, Any], change: Change, reason: str) -> None:
    change(parts)
    assert any(reason in fault for fault in foreign_faults(parts)), foreign_faults(parts)


def test_a_class_of_the_bundle_s_own_may_move_voxels_whatever_it_is_called(parts: dict[str, Any]) -> None:
    _before(parts)[2] = {"_target_": "scripts.EnsureTyped", "keys": "image"}
    _after(parts).remove(_BACK)
    (fault,) = foreign_faults(parts)
    assert "no Invertd undoes scripts.EnsureTyped" in fault


def test_what_puts_the_channel_first_is_left_out(parts: dict[str, Any]) -> None:
    assert [step["_target_"] for step in channel_first_steps(_before(parts))] == [f"{_T}LoadImaged", f"{_T}Spacingd"]


def test_only_an_argmax_at_the_end_makes_a_label_map_for_certain() -> None:
    assert is_plain_label_map([_BACK, _HIGHEST])
    assert not is_plain_label_map([_HIGHEST, _BACK])
    assert not is_plain_label_map([{**_HIGHEST, "to_onehot": 2}])
    assert not is_plain_label_map([])
