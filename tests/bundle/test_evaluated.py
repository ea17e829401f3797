import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import monai.transforms
import numpy as np
import pytest
import torch

from medseg.bundle.build import build_network, build_postprocessing, build_preprocessing
from medseg.bundle.finishing import finishing_steps
from medseg.bundle.read import Bundle, read_bundle
from medseg.bundle.window import window_of
from medseg.core.errors import BundleError

Change = Callable[[dict[str, Any]], None]
Read = Callable[..., Bundle]
NET = """
import torch
from monai.networks.nets import UNet
class Net(UNet):
    pass
class Table:
    side = 16
def make(**arguments):
    return UNet(**arguments)
class Fails(torch.nn.Module):
    def __init__(self, **arguments):
        raise OSError("no such thing")
"""

_WRITES = {"_target_": "Compose", "transforms": [{"_target_": "SaveImaged", "keys": "image", "output_dir": "/"}]}


@pytest.fixture
def config(inference: dict[str, Any]) -> dict[str, Any]:
    """A stock config in short names, one expression in each part."""
    for part in ("network_def", "preprocessing", "inferer", "postprocessing"):
        for step in [inference[part], *inference[part].get("transforms", ())]:
            step["_target_"] = step["_target_"].rsplit(".", 1)[-1]
    inference["network_def"]["out_channels"] = "$1 + 2"
    inference["preprocessing"]["transforms"][1]["keys"] = "@image_key"
    inference["inferer"]["roi_size"] = "$tuple(np.array([16, 16, 16]))"
    return inference | {"image_key": "$monai.utils.CommonKeys.IMAGE"}


@pytest.fixture
def read(tmp_path: Path, config: dict[str, Any], metadata: dict[str, Any]) -> Read:
    """Change the config, write the bundle with the module scripts.net, and read it as a trusted one."""

    def read(change: Change = lambda config: None, *, name: str = "zoo", net: str = NET) -> Bundle:
        change(config)
        root = tmp_path / name
        for folder in ("configs", "models", "scripts"):
            (root / folder).mkdir(parents=True)
        (root / "models" / "model.pt").write_bytes(b"")
        (root / "scripts" / "net.py").write_text(net, encoding="utf-8")
        (root / "configs" / "inference.json").write_text(json.dumps(config), encoding="utf-8")
        (root / "configs" / "metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
        return read_bundle(root, trusted=True)

    return read


def _steps(bundle: Bundle, part: str) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = bundle.inference[part]["transforms"]
    return steps


# What comes of it


def test_short_names_become_full_ones_and_expressions_plain_values(read: Read) -> None:
    bundle = read()
    assert bundle.inference["network_def"]["_target_"] == "monai.networks.nets.UNet"
    assert bundle.inference["network_def"]["out_channels"] == 3
    assert [step["_target_"].rsplit(".", 1)[0] for step in _steps(bundle, "preprocessing")] == ["monai.transforms"] * 3
    assert _steps(bundle, "preprocessing")[1]["keys"] == "image"
    assert type(_steps(bundle, "preprocessing")[1]["keys"]) is str
    assert bundle.inference["inferer"]["roi_size"] == [16, 16, 16]
    assert {type(side) for side in bundle.inference["inferer"]["roi_size"]} == {int}


def test_what_reads_bundles_reads_it_too(read: Read) -> None:
    bundle = read()
    window = window_of(bundle)
    assert window is not None
    assert window.size == (16, 16, 16)
    assert finishing_steps(bundle) == ([], True)
    preprocessing = build_preprocessing(bundle)
    (_, back, _) = build_postprocessing(bundle, preprocessing).transforms
    assert back.transform is preprocessing
    assert bundle.train_values is None
    assert len(bundle.digest) == 64


@pytest.mark.parametrize("reference", ["@preprocessing", "$@preprocessing", "%mine"])
def test_the_way_back_refers_to_the_preprocessing_however_it_is_written(read: Read, reference: str) -> None:
    bundle = read(
        lambda c: c.update(mine="@preprocessing") or c["postprocessing"]["transforms"][1].update(transform=reference)
    )
    assert _steps(bundle, "postprocessing")[1]["transform"] == "@preprocessing"


def test_arguments_without_effect_do_not_keep_medseg_from_knowing_a_chain(read: Read) -> None:
    extra = {"meta_keys": "pred_meta_dict", "orig_meta_keys": None, "to_tensor": True, "allow_missing_keys": False}
    bundle = read(lambda c: c["postprocessing"]["transforms"][1].update(extra))
    assert finishing_steps(bundle) == ([], True)


def test_an_object_stays_where_no_plain_value_can_say_it(read: Read) -> None:
    step = {"_target_": "Lambdad", "keys": "image", "func": "$lambda x: x * 2"}
    typed = {"_target_": "EnsureTyped", "keys": "image", "dtype": "$torch.float32"}
    bundle = read(lambda c: c["preprocessing"]["transforms"].extend([step, typed]))
    *_, doubling, type_step = _steps(bundle, "preprocessing")
    assert doubling["func"](3) == 6
    assert type_step["dtype"] is torch.float32
    chain = build_preprocessing(bundle)
    assert isinstance(chain.transforms[-2], monai.transforms.Lambdad)


def test_lists_of_transforms_may_be_joined_by_an_expression_and_the_disabled_are_left_out(read: Read) -> None:
    def change(config: dict[str, Any]) -> None:
        first, second, third = config["preprocessing"]["transforms"]
        second["_disabled_"] = "$True"
        config.update(reading=[first, second], scaling=[third])
        config["preprocessing"]["transforms"] = "$@reading + @scaling"

    names = [step["_target_"].rsplit(".", 1)[-1] for step in _steps(read(change), "preprocessing")]
    assert names == ["LoadImaged", "NormalizeIntensityd"]


def test_an_expression_may_ask_something_of_a_component(read: Read) -> None:
    def change(config: dict[str, Any]) -> None:
        config["table"] = {"_target_": "scripts.net.Table"}
        config["inferer"]["sw_batch_size"] = "$@table.side // 4"

    assert read(change).inference["inferer"]["sw_batch_size"] == 4


def test_a_component_that_is_no_transform_is_built_in_place(read: Read) -> None:
    place = {"_target_": "torch.device", "type": "cpu"}
    bundle = read(lambda c: c["inferer"].update(device=place))
    assert bundle.inference["inferer"]["device"] == torch.device("cpu")


@pytest.mark.parametrize("target", ["scripts.net.Net", "scripts.net.make"])
def test_a_class_or_function_of_the_bundle_s_own_makes_the_network(read: Read, target: str) -> None:
    bundle = read(lambda c: c["network_def"].update(_target_=target))
    assert bundle.inference["network_def"]["_target_"] == target
    assert build_network(bundle)(torch.zeros(1, 1, 4, 4, 4)).shape == (1, 3, 4, 4, 4)


def test_two_bundles_may_have_modules_of_one_name(read: Read) -> None:
    other = NET.replace("side = 16", "side = 32")

    def change(config: dict[str, Any]) -> None:
        config["table"] = {"_target_": "scripts.net.Table"}
        config["inferer"]["sw_batch_size"] = "$@table.side"

    sizes = [read(change, name=name, net=net).inference["inferer"] for name, net in (("a", NET), ("b", other))]
    assert [size["sw_batch_size"] for size in sizes] == [16, 32]


def test_the_digest_knows_the_bundle_s_own_code(read: Read) -> None:
    bundle = read()
    before = bundle.digest
    (bundle.root / "scripts" / "net.py").write_text("changed = 1", encoding="utf-8")
    assert bundle.digest != before


def test_the_search_path_is_put_back_and_nothing_is_written_into_the_bundle(read: Read) -> None:
    before = list(sys.path), sys.dont_write_bytecode
    bundle = read(
        lambda c: c["network_def"].update(
            _target_="scripts.net.Net", out_channels="$__import__('sys').path.append('x') or 3"
        )
    )
    assert (list(sys.path), sys.dont_write_bytecode) == before
    assert not list(bundle.root.rglob("__pycache__"))


# What is told, and when


def test_all_is_told_before_any_of_it_runs(read: Read, caplog: pytest.LogCaptureFixture) -> None:
    code = "$__import__('logging').getLogger('medseg').warning('RUNS') or 3"
    with caplog.at_level(logging.WARNING, "medseg"):
        read(lambda c: c["network_def"].update(out_channels=code))
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0].endswith("--trust lets it evaluate:")
    assert lines[-1] == "RUNS"
    assert f"  configs/inference.json: network_def.out_channels: {code}" in lines[1:-1]


def test_a_class_deep_in_monai_is_told_by_its_full_name(read: Read, caplog: pytest.LogCaptureFixture) -> None:
    step = {"_target_": "SqueezeDimd", "keys": "image"}  # known; the next is found only by MONAI
    deep = {"_target_": "ResizeGuidanceMultipleLabelDeepEditd", "ref_image": "image", "guidance": "guidance"}
    with caplog.at_level(logging.WARNING, "medseg"):
        read(lambda c: c["preprocessing"]["transforms"].extend([step, deep]))
    named = [line for line in caplog.messages if "DeepEditd" in line]
    assert len(named) == 1
    assert named[0].endswith("monai.apps.deepedit.transforms.ResizeGuidanceMultipleLabelDeepEditd")


def test_a_bundle_of_medseg_s_own_is_read_as_ever(write_bundle: Callable[..., Path]) -> None:
    bundle = read_bundle(write_bundle(), trusted=True)
    assert bundle.located is None
    assert bundle.train_values is not None


# What goes wrong


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda c: c.pop("inferer"), "inferer: missing"),
        (lambda c: c["inferer"].update(overlap="%other.json::x"), "copies from another file"),
        (
            lambda c: c["inferer"].update(overlap="$1 / 0"),
            "cannot be evaluated: .*1 / 0.*; ZeroDivisionError: division by zero",
        ),
        (lambda c: c["inferer"].update(overlap="@nothing"), "cannot be evaluated: .*@nothing"),
        (lambda c: c["inferer"].update(overlap="$exit(3)"), "cannot be evaluated: SystemExit: 3"),
        (lambda c: c["inferer"].update(overlap="$raise_('\x1b')"), "cannot be evaluated: .*NameError"),
        (lambda c: c["inferer"].update(_target_="scripts.absent.X"), "have no class of that name"),
        (lambda c: c["preprocessing"]["transforms"][1].update(_target_="AddChanneld"), "have no class of that name"),
        (lambda c: c["inferer"].update(_mode_="debug"), "_mode_ 'debug' is not understood"),
        (lambda c: c["inferer"].update(_target_="scripts.net.Table"), "inferer: scripts.net.Table is no Inferer"),
        (lambda c: c["preprocessing"]["transforms"][1].update(_target_="UNet"), "transforms.1: .*UNet is no Transform"),
        (
            lambda c: c.update(post="$@preprocessing.transforms") or c["preprocessing"].update(transforms="@post"),
            "circular",
        ),
        (lambda c: c["network_def"].update(_disabled_=True), "network_def: is disabled"),
        (lambda c: c["preprocessing"]["transforms"].append(_WRITES), "SaveImaged reads or writes files by itself"),
        (
            lambda c: c.update(list=[_WRITES]) or c["inferer"].update(overlap="$@list[0].transforms"),
            "list.0.transforms.0: reads or writes files by itself",
        ),
        (
            lambda c: c.update(handlers=[{"_target_": "CheckpointLoader", "load_path": "$'models/' + 'low.pt'"}]),
            "load_path: models/low.pt; medseg takes models/model.pt",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(read: Read, change: Change, reason: str) -> None:
    with pytest.raises(BundleError, match=rf"(?s)Bundle 'tiny' in .*{reason}"):
        read(change)


def test_a_class_that_fails_is_a_bundle_s_fault(read: Read) -> None:
    bundle = read(lambda c: c["network_def"].update(_target_="scripts.net.Fails"))
    with pytest.raises(BundleError, match=r"network_def: scripts\.net\.Fails cannot be built: no such thing"):
        build_network(bundle)


def test_without_weights_it_is_refused_before_anything_is_evaluated(
    read: Read, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = read().root
    (root / "models" / "model.pt").rename(root / "models" / "model.ts")
    caplog.clear()
    with pytest.raises(BundleError, match=r"models/model.pt: missing; models/model.ts is a program"):
        read_bundle(root, trusted=True)
    assert caplog.messages == []


def test_numbers_of_numpy_do_not_reach_what_expects_plain_ones(read: Read) -> None:
    bundle = read(lambda c: c["inferer"].update(overlap="$np.float32(0.5)"))
    assert type(bundle.inference["inferer"]["overlap"]) is float
    assert not isinstance(bundle.inference["inferer"]["overlap"], np.generic)
