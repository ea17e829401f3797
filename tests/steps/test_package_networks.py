import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny

from medseg.bundle.golden import Golden
from medseg.bundle.read import Bundle, read_bundle
from medseg.core.errors import BundleError
from medseg.steps import package_networks
from medseg.steps.golden_study import make_golden
from medseg.steps.package_int8 import DiceAgainstFloat, Int8Report
from medseg.steps.package_networks import Networks, int8_in_words, write_networks
from medseg.steps.package_request import PackageRequest

INT8 = Int8Report(
    file="models/model_int8.onnx",
    bytes=26,
    float_bytes=100,
    windows=48,
    studies=12,
    least_agreement=0.995,
    window=(1, 1, 16, 16, 16),
    window_s={"fp32": 0.4, "int8": 0.1},
    agreement=DiceAgainstFloat(7, {"anterior": 0.99123, "posterior": 1.0}, {"anterior": 0.98, "posterior": 1.0}),
    agreement_on="other studies",
)
PLAIN = PackageRequest(run="run", output=Path("x.zip"))


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Golden]:
    """A package so far, with a golden study; do not write into it."""
    root = tiny.add_random_weights(tiny.write_tiny_bundle(tmp_path_factory.mktemp("b") / "hippocampus_unet3d"))
    return root, make_golden(read_bundle(root), None)


@pytest.fixture
def bundle(packed: tuple[Path, Golden], tmp_path: Path) -> Bundle:
    return read_bundle(Path(shutil.copytree(packed[0], tmp_path / "hippocampus_unet3d")))


def written(bundle: Bundle, golden: Golden, *, split: dict[str, Any] | None = None, **request: Any) -> Networks:
    return write_networks(bundle, golden, replace(PLAIN, **request), split or {}, say=lambda _: None)


def disagree(monkeypatch: pytest.MonkeyPatch, dice: dict[str, float]) -> None:
    """Let every form find something else on the golden study."""
    monkeypatch.setattr(package_networks, "label_agreement", lambda bundle, files, volume: dict.fromkeys(files, dice))


def test_nothing_is_written_or_computed_where_no_form_is_asked_for(bundle: Bundle) -> None:
    before = tiny.files_below(bundle.root)
    # A golden study that is not there would be missed.
    networks = written(bundle, Golden("", "", {}, "", {}))
    assert (networks, networks.as_json()) == (Networks({}, {}, None), {})
    assert tiny.files_below(bundle.root) == before


def test_a_form_is_held_against_the_network_on_the_golden_study(
    bundle: Bundle, packed: tuple[Path, Golden], said: list[str]
) -> None:
    request = replace(PLAIN, exports=("torchscript",))
    networks = write_networks(bundle, packed[1], request, {}, say=said.append)
    assert (bundle.root / "models" / "model.ts").is_file()
    assert networks.golden == {"torchscript": {"anterior": 1.0, "posterior": 1.0}}
    told = json.loads(json.dumps(networks.as_json()))["torchscript"]
    assert told["file"] == "models/model.ts"
    assert told["golden_dice"] == {"anterior": 1.0, "posterior": 1.0}
    assert told["bytes"] == (bundle.root / "models" / "model.ts").stat().st_size
    assert len(told["shapes"]) == 2
    assert any("model.ts" in line for line in said)


def test_a_form_that_finds_something_else_is_refused_with_its_labels(
    bundle: Bundle, packed: tuple[Path, Golden], monkeypatch: pytest.MonkeyPatch
) -> None:
    disagree(monkeypatch, {"anterior": 0.99899, "posterior": 0.9990})
    with pytest.raises(BundleError) as raised:
        written(bundle, packed[1], exports=("torchscript",))
    assert str(raised.value).splitlines() == [
        "Exports of bundle 'hippocampus_unet3d': 1 fault",
        "  models/model.ts: Dice 0.9990 of anterior with the network on the golden study; at least 0.999 is wanted. "
        "Leave this form out",
    ]


def test_eight_bits_are_told_as_they_are_and_get_the_split(
    bundle: Bundle, packed: tuple[Path, Golden], monkeypatch: pytest.MonkeyPatch, said: list[str], tmp_path: Path
) -> None:
    given: list[Any] = []

    def quantize(bundle: Bundle, calibrate: Path, folder: Path, *, say: Any) -> Int8Report:
        given.extend([bundle.split, calibrate, folder])
        return INT8

    monkeypatch.setattr(package_networks, "quantize_network", quantize)
    disagree(monkeypatch, {"anterior": 0.5, "posterior": 1.0})
    request = replace(PLAIN, quantize="int8", calibrate=tmp_path)
    networks = write_networks(bundle, packed[1], request, {"holdout": ["P1"]}, say=said.append)
    assert given == [{"holdout": ["P1"]}, tmp_path, bundle.root]  # what is held out calibrates nothing
    assert networks.as_json()["int8"]["golden_dice"] == {"anterior": 0.5, "posterior": 1.0}
    assert said == [int8_in_words(INT8)]


def test_eight_bits_in_words() -> None:
    assert int8_in_words(INT8) == (
        "models/model_int8.onnx: 0.26 of the bytes; a window fp32 400 ms, int8 100 ms; Dice with fp32 anterior 0.9912, "
        "posterior 1.0000 (n = 7, other studies)"
    )
