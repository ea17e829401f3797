import json
from collections.abc import Callable
from pathlib import Path

import pytest
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


@pytest.mark.parametrize("other", ["weights", "none yet"])
def test_a_copy_with_other_weights_claims_none_of_the_results(write_bundle: Write, tmp_path: Path, other: str) -> None:
    bundle = read_bundle(claiming(write_bundle()))
    state = build_network(bundle).state_dict() if other == "weights" else None
    copy = copy_bundle(bundle, tmp_path / "copy", state_dict=state, with_weights=False)
    assert read_bundle(copy).metadata["eval_metrics"] == {}
    page = (copy / "docs" / "README.md").read_text(encoding="utf-8")
    assert "0.99" not in page
    assert "of their own" in page


def test_a_copy_with_the_same_weights_claims_the_same(write_bundle: Write, tmp_path: Path) -> None:
    bundle = read_bundle(claiming(write_bundle()))
    copy = copy_bundle(bundle, tmp_path / "copy")
    for name in ("docs/README.md", "configs/metadata.json"):
        assert (copy / name).read_bytes() == (bundle.root / name).read_bytes()


def test_a_bundle_that_gets_other_weights_in_place_takes_its_claims_back(write_bundle: Write) -> None:
    bundle = read_bundle(claiming(write_bundle()))
    copy_bundle(bundle, bundle.root, state_dict=build_network(bundle).state_dict())
    assert read_bundle(bundle.root).metadata["eval_metrics"] == {}


def test_a_foreign_page_stays_as_it_is(write_bundle: Write, tmp_path: Path) -> None:
    bundle = read_bundle(claiming(write_bundle()))
    (bundle.root / "docs" / "README.md").write_bytes("# Größe\r\n".encode("latin-1"))
    copy = copy_bundle(bundle, tmp_path / "copy", with_weights=False)
    assert (copy / "docs" / "README.md").read_bytes() == "# Größe\r\n".encode("latin-1")


def claiming(root: Path) -> Path:
    """The bundle, with results in its card and its metadata."""
    path = root / "configs" / "metadata.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"eval_metrics": {"WT": 0.99}}))
    (root / "docs").mkdir(exist_ok=True)
    (root / "docs" / "README.md").write_text("# x\n\n## How good it is\n\nDice 0.99\n\n## Files\n", encoding="utf-8")
    return root
