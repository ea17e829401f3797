import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
import tiny

from medseg.bundle.read import Bundle, read_bundle
from medseg.core.errors import UsageError
from medseg.steps.computing import Computing, exported_file


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return read_bundle(tiny.write_tiny_bundle(tmp_path / "tiny"))


@pytest.fixture(autouse=True)
def _all_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())


@pytest.mark.parametrize(
    ("how", "name"),
    [
        (Computing(exact=True, device="cpu"), "fp32"),
        (Computing(exact=True, device="cpu", precision="bf16"), "bf16"),
        (Computing(engine="onnx"), "fp32"),
        (Computing(engine="onnx", precision="fp32"), "fp32"),
        (Computing(engine="openvino", precision="bf16"), "bf16"),
        (Computing(engine="int8"), "int8"),
    ],
    ids=str,
)
def test_an_engine_says_in_what_it_computes(how: Computing, name: str) -> None:
    precision = how.on_this_machine()
    assert (precision.name, precision.device_type) == (name, "cpu")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (Computing(engine="int8", precision="bf16"), "--engine int8 computes in int8; leave out --precision bf16"),
        (Computing(engine="onnx", precision="bf16"), "--engine onnx computes in fp32; leave out --precision bf16"),
        (Computing(engine="int8", exact=True), "with torch; leave out --engine int8"),
    ],
    ids=str,
)
def test_what_does_not_go_together_is_refused(how: Computing, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        how.on_this_machine()


def test_engines_of_the_cpu_are_not_sent_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert Computing(engine="onnx").place == "cpu"
    assert Computing(engine="torch").place == "auto"
    with pytest.raises(UsageError, match="--engine onnx computes on the CPU; leave out --device cuda"):
        Computing(engine="onnx", device="cuda").on_this_machine()


def test_int8_needs_a_file_of_the_bundle(bundle: Bundle) -> None:
    with pytest.raises(UsageError, match=r"bundle 'hippocampus_unet3d' has no models/model_int8\.onnx\. Take another"):
        Computing(engine="int8").check_bundles([bundle])
    path = bundle.root / "models" / "model_int8.onnx"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"")
    with pytest.raises(UsageError, match="has no models"):  # nothing says that it belongs to the weights beside it
        Computing(engine="int8").check_bundles([bundle])
    (bundle.root / "manifest.json").write_text("{}", encoding="utf-8")
    Computing(engine="int8").check_bundles([bundle])
    assert exported_file(bundle, "int8") == path
    assert exported_file(bundle, "onnx") is None
    assert exported_file(bundle, "torch") is None


def test_only_what_runs_onnx_is_needed_where_the_bundle_has_the_file(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = {"onnxruntime": object()}
    monkeypatch.setattr(importlib.util, "find_spec", there.get)
    how = Computing(engine="onnx")
    how.on_this_machine()
    with pytest.raises(UsageError, match=r"--engine onnx needs onnx, onnxscript: pip install 'medseg\[onnx\]'"):
        how.check_bundles([bundle])
    (bundle.root / "models").mkdir(exist_ok=True)
    (bundle.root / "models" / "model.onnx").write_bytes(b"")
    (bundle.root / "manifest.json").write_text("{}", encoding="utf-8")
    how.check_bundles([bundle])
    with pytest.raises(UsageError, match="needs onnx, onnxscript"):
        how.check_bundles([bundle, replace(bundle, root=bundle.root / "elsewhere")])
