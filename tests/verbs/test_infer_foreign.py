"""`medseg infer --trust` on bundles in the shape of MONAI's model zoo, and stock MONAI giving the same label maps."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import tiny
import zoo

_CODE = """
from monai.networks.nets import UNet
from monai.transforms import MapTransform
class Net(UNet):
    pass
class Doubled(MapTransform):
    def __call__(self, data):
        return {key: value * 2 if key in self.keys else value for key, value in data.items()}
"""
_LARGEST = {"_target_": "KeepLargestConnectedComponentd", "keys": "pred", "applied_labels": [1, 2]}
_SLICES = {**zoo.NETWORK, "spatial_dims": 2}


def _joined(config: dict[str, Any]) -> None:
    """A list joined by an expression, a step that is switched off, a channel put first by its number."""
    load, _, *others = config["preprocessing"]["transforms"]
    channel = {"_target_": "EnsureChannelFirstD", "keys": "@image_key", "channel_dim": "no_channel"}
    off = {"_target_": "ScaleIntensityd", "keys": "@image_key", "_disabled_": True}
    config.update(reading=[load, channel], rest=[*others, off])
    config["preprocessing"]["transforms"] = "$@reading + @rest"
    config["postprocessing"]["transforms"][1]["transform"] = "$@preprocessing"


def _by_slices(config: dict[str, Any]) -> None:
    config["inferer"] = {"_target_": "SliceInferer", "roi_size": [16, 16], "spatial_dim": 2}


def _own_code(config: dict[str, Any]) -> None:
    """A network, a transform and a function that the bundle brings."""
    config["network_def"]["_target_"] = "scripts.parts.Net"
    config["preprocessing"]["transforms"].append({"_target_": "scripts.parts.Doubled", "keys": "@image_key"})
    change = {"_target_": "Lambdad", "keys": "pred", "func": "$lambda x: torch.where(x == 2, 0, x)"}
    config["postprocessing"]["transforms"].insert(3, change)


def _whole(config: dict[str, Any]) -> None:
    """The whole scan at once, on its own grid, so that nothing has to be undone."""
    config["inferer"] = {"_target_": "SimpleInferer"}
    config["preprocessing"]["transforms"] = [zoo.LOAD, zoo.CHANNEL, zoo.SCALE]
    config["postprocessing"]["transforms"] = [zoo.SOFTMAX, zoo.HIGHEST, zoo.SAVE]


def _labels_back(config: dict[str, Any]) -> None:
    """Labels are made first and go back by nearest neighbours; windows as in whole-body bundles."""
    config["inferer"] |= {"mode": "gaussian", "padding_mode": "replicate", "device": "@device"}
    back = {**zoo.BACK, "nearest_interp": True}
    config["postprocessing"]["transforms"] = [zoo.SOFTMAX, zoo.HIGHEST, _LARGEST, back, zoo.SAVE]


_KINDS: dict[str, Callable[[Path], Path]] = {
    "usual": lambda folder: zoo.write_zoo_bundle(folder),
    "joined": lambda folder: zoo.write_zoo_bundle(folder, change=_joined),
    "slices": lambda folder: zoo.write_zoo_bundle(folder, network=_SLICES, change=_by_slices),
    "own_code": lambda folder: zoo.write_zoo_bundle(folder, scripts={"parts.py": _CODE}, change=_own_code),
    "whole": lambda folder: zoo.write_zoo_bundle(folder, change=_whole),
    "labels_back": lambda folder: zoo.write_zoo_bundle(folder, change=_labels_back),
}


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scans; do not write into it."""
    return zoo.write_scans(tmp_path_factory.mktemp("foreign") / "scans")


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A bundle of each kind; do not write into it."""
    folder = tmp_path_factory.mktemp("zoo")
    return {name: write(folder / name) for name, write in _KINDS.items()}


@pytest.fixture(scope="module")
def stock_maps(bundles: dict[str, Path], scans: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `python -m monai.bundle run` makes of each."""
    return zoo.run_stock(bundles, scans, tmp_path_factory.mktemp("stock"))


def _infer(bundle: Path, scans: Path, output: Path, *words: str) -> tiny.Answer:
    return tiny.call("infer", "--bundle", bundle, "--input", scans, "--output", output, "--device", "cpu", *words)


def _labels(path: Path) -> np.ndarray:
    return np.asarray(nibabel.load(path).dataobj).squeeze()


@pytest.mark.parametrize("kind", _KINDS)
def test_a_trusted_bundle_gives_stock_monai_s_label_map(
    kind: str, bundles: dict[str, Path], scans: Path, stock_maps: dict[str, dict[str, Path]], tmp_path: Path
) -> None:
    answer = _infer(bundles[kind], scans, tmp_path, "--trust", "--exact")
    assert answer.code == 0, answer.err
    assert set(stock_maps[kind]) == {"scan0", "scan1"}
    for name, path in stock_maps[kind].items():
        written = nibabel.load(tmp_path / f"{name}.nii.gz")
        assert np.array_equal(_labels(path), np.asarray(written.dataobj)), name
        assert np.array_equal(written.affine, nibabel.load(scans / f"{name}.nii.gz").affine)
    assert any(len(np.unique(_labels(path))) > 1 for path in stock_maps[kind].values())


def test_classes_are_called_as_metadata_says(bundles: dict[str, Path], scans: Path, tmp_path: Path) -> None:
    assert _infer(bundles["usual"], scans / "scan0.nii.gz", tmp_path, "--trust").code == 0
    (study,) = json.loads((tmp_path / "run.json").read_text())["studies"]
    assert study["label_names"] == {"1": "spleen", "2": "liver"}


def test_its_label_maps_can_be_scored(bundles: dict[str, Path], scans: Path, tmp_path: Path) -> None:
    for part in ("images", "labels"):
        (tmp_path / "data" / part).mkdir(parents=True)
    for path in scans.iterdir():
        (tmp_path / "data" / "images" / path.name).write_bytes(path.read_bytes())
        scan = nibabel.load(path)
        labels = (np.asarray(scan.dataobj) > 500).astype(np.uint8)
        nibabel.save(nibabel.Nifti1Image(labels, scan.affine), tmp_path / "data" / "labels" / path.name)
    (tmp_path / "data" / "labels.json").write_text('{"1": "spleen"}')
    words = ("--bundle", bundles["usual"], "--data", tmp_path / "data", "--output", tmp_path / "out")
    refused = tiny.call("evaluate", *words)
    assert refused.code == 1
    assert "with --trust" in refused.err
    answer = tiny.call("evaluate", *words, "--trust", "--device", "cpu")
    assert answer.code == 0, answer.err


# What is run, and when


def _canary(folder: Path, canary: Path) -> Path:
    """A bundle that leaves a mark from every place that code can stand in."""
    code = f"__import__('builtins').open({str(canary)!r}, 'a').write('x')"

    def change(config: dict[str, Any]) -> None:
        config["imports"].append("$import scripts.marks")
        config["side"] = f"$print('EVALUATED', file=__import__('sys').stderr) or {code} and 16"
        config["inferer"]["roi_size"] = ["@side"] * 3
        config["preprocessing"]["transforms"][1]["_target_"] = "EnsureChannelFirstD"

    return zoo.write_zoo_bundle(folder, scripts={"__init__.py": f"{code}\n", "marks.py": f"{code}\n"}, change=change)


def test_without_trust_nothing_of_it_runs_and_all_of_it_is_named(scans: Path, tmp_path: Path) -> None:
    bundle, canary = _canary(tmp_path / "zoo", tmp_path / "canary"), tmp_path / "canary"
    answer = _infer(bundle, scans, tmp_path / "out")
    assert answer.code == 1
    assert not canary.exists()
    assert not (tmp_path / "out").exists()
    for line in ("imports.2: $import scripts.marks", "side: $print('EVALUATED'", "network_def.out_channels: $len("):
        assert f"\n  configs/inference.json: {line}" in answer.err
    assert answer.err.rstrip().endswith("medseg infer and evaluate run it with --trust.")


def test_with_trust_all_of_it_is_named_before_any_of_it_runs(scans: Path, tmp_path: Path) -> None:
    bundle, canary = _canary(tmp_path / "zoo", tmp_path / "canary"), tmp_path / "canary"
    answer = _infer(bundle, scans, tmp_path / "out", "--trust")
    assert answer.code == 0, answer.err
    assert len(canary.read_text()) == 3
    before, _, _ = answer.err.partition("EVALUATED\n")
    assert "--trust lets it evaluate:" in before
    assert "handlers.0.load_path" in before


@pytest.mark.parametrize("verb", ["train", "check", "tune"])
def test_no_other_verb_can_be_made_to_run_it(verb: str, scans: Path, tmp_path: Path) -> None:
    bundle, canary = _canary(tmp_path / "zoo", tmp_path / "canary"), tmp_path / "canary"
    words = ("--bundle", bundle, "--data", scans)
    assert tiny.call(verb, *words).code in (1, 2)
    assert tiny.call(verb, *words, "--trust").code == 2
    assert not canary.exists()


# What cannot be written


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("$lambda x: torch.cat([x, x])", "gives 2 channels"),
        ("$lambda x: x * 4", "its classes are 0 to 2"),
        ("$lambda x: x / 2", "its classes are 0 to 2"),
    ],
)
def test_what_is_no_label_map_of_its_classes_is_not_written(
    function: str, reason: str, scans: Path, tmp_path: Path
) -> None:
    step = {"_target_": "Lambdad", "keys": "pred", "func": function}
    bundle = zoo.write_zoo_bundle(tmp_path / "zoo", after=[zoo.SOFTMAX, zoo.BACK, zoo.HIGHEST, step, zoo.SAVE])
    answer = _infer(bundle, scans, tmp_path / "out", "--trust")
    assert answer.code == 3
    assert not list((tmp_path / "out").glob("*.nii.gz"))
    studies = json.loads((tmp_path / "out" / "run.json").read_text())["studies"]
    assert all(reason in study["reason"] for study in studies)
