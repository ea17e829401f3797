from collections.abc import Callable
from pathlib import Path

import torch

from medseg.bundle.build import build_network
from medseg.bundle.copy import copy_bundle
from medseg.bundle.read import read_bundle
from medseg.bundle.weights import load_weights

Write = Callable[..., Path]


def test_a_copy_with_weights_is_a_complete_bundle(write_bundle: Write, tmp_path: Path) -> None:
    bundle = read_bundle(write_bundle())
    network = build_network(bundle)
    copied = read_bundle(copy_bundle(bundle, tmp_path / "run" / "bundle", state_dict=network.state_dict()))
    other = build_network(copied)
    load_weights(other, copied.weights)
    assert (copied.name, copied.inference) == (bundle.name, bundle.inference)
    assert all(
        torch.equal(a, b) for a, b in zip(network.state_dict().values(), other.state_dict().values(), strict=True)
    )


def test_a_copy_without_weights_keeps_the_bundle_s_own(write_bundle: Write, tmp_path: Path) -> None:
    bundle = read_bundle(write_bundle())
    bundle.weights.parent.mkdir()
    bundle.weights.write_bytes(b"trained")
    assert read_bundle(copy_bundle(bundle, tmp_path / "copy")).digest == bundle.digest


def test_a_copy_takes_card_and_licence_and_leaves_results(write_bundle: Write, tmp_path: Path) -> None:
    bundle = read_bundle(write_bundle())
    for name in ("LICENSE", "docs/README.md", "eval/result.csv", "models/model.ts"):
        (bundle.root / name).parent.mkdir(exist_ok=True)
        (bundle.root / name).write_text(name, encoding="utf-8")
    copy_bundle(bundle, tmp_path / "copy")
    found = {
        path.relative_to(tmp_path / "copy").as_posix() for path in (tmp_path / "copy").rglob("*") if path.is_file()
    }
    assert found >= {"LICENSE", "docs/README.md", "configs/train.yaml"}
    assert not found & {"eval/result.csv", "models/model.ts", "models/model.pt"}


def test_copying_again_replaces_the_weights(write_bundle: Write, tmp_path: Path) -> None:
    bundle = read_bundle(write_bundle())
    for value in (0.0, 1.0):
        copy_bundle(bundle, tmp_path / "copy", state_dict={"a": torch.full((2,), value)})
    assert torch.load(tmp_path / "copy" / "models" / "model.pt", weights_only=True)["a"].tolist() == [1.0, 1.0]
