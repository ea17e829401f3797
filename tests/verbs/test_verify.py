"""What the verb says of a package that is right; what it says of others is in test_hostile.py."""

import shutil
from pathlib import Path

import pytest
import tiny

from medseg.bundle.minisign import SecretKey
from medseg.bundle.minisign_keys import public_text
from medseg.bundle.pack import seal_bundle, write_package
from medseg.bundle.read import read_bundle
from medseg.steps.golden_study import make_golden

KEY = SecretKey(bytes(8), bytes(32))
FACTS = {"name": "hippocampus_unet3d", "version": "1.2.0", "made": "2026-01-01T00:00:00Z"}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Path:
    """A signed package with a golden study, as a folder; do not write into it."""
    root = Path(shutil.copytree(model, tmp_path_factory.mktemp("package") / "hippocampus_unet3d"))
    make_golden(read_bundle(root), None)
    seal_bundle(root, FACTS, KEY)
    return root


@pytest.fixture(scope="module")
def packed(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a zip."""
    path = tmp_path_factory.mktemp("zip") / "hippocampus-1.2.0.zip"
    write_package(package, path)
    return path


def test_a_package_that_is_as_it_was_made_says_so(package: Path) -> None:
    answer = tiny.call("verify", "--bundle", package)
    assert answer.code == 0, answer.err
    first, second, third, fourth = answer.out.splitlines()
    assert first == f"{package}: hippocampus_unet3d 1.2.0"
    assert second.endswith(": as the manifest says")
    assert "by its own word" in third
    assert (
        fourth == f"configuration: builds hippocampus_unet3d {read_bundle(package).version} without evaluating anything"
    )


def test_the_one_who_signed_is_named_where_his_key_is_given(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "clinic.pub").write_text(public_text(KEY.public))
    answer = tiny.call("verify", "--bundle", packed, "--key", tmp_path / "clinic.pub")
    assert answer.code == 0, answer.err
    assert "signed by key 0000000000000000: hippocampus_unet3d 1.2.0, packaged 2026-01-01T00:00:00Z" in answer.out


def test_an_installation_that_computes_what_was_validated_says_so(packed: Path) -> None:
    answer = tiny.call("verify", "--bundle", packed, "--golden")
    assert answer.code == 0, answer.err
    assert "golden study in fp32, as packaged: Dice anterior 1.0000, posterior 1.0000" in answer.out
    assert "golden study as infer does here: Dice" in answer.out


def test_an_installation_that_computes_something_else_ends_with_code_4(package: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(package, tmp_path / "hippocampus_unet3d"))
    tiny.add_random_weights(root, seed=1)  # stands for a machine that computes otherwise
    seal_bundle(root, FACTS, None)
    answer = tiny.call("verify", "--bundle", root, "--golden")
    assert answer.code == 4
    assert "comes out otherwise here: Dice 0." in answer.err
    assert "Do not use it here" in answer.err


def test_what_is_no_package_is_refused(model: Path) -> None:
    answer = tiny.call("verify", "--bundle", model)
    assert answer.code == 1
    assert "has no manifest.json: it is no package. `medseg package` makes one of a run." in answer.err


def test_a_package_without_a_golden_study_is_refused_only_where_one_is_asked_for(package: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(package, tmp_path / "hippocampus_unet3d", ignore=shutil.ignore_patterns("golden")))
    seal_bundle(root, FACTS, None)
    assert tiny.call("verify", "--bundle", root).code == 0
    answer = tiny.call("verify", "--bundle", root, "--golden")
    assert answer.code == 1
    assert "has no golden study" in answer.err


@pytest.mark.parametrize("key", ["clinic.pub", "RWQ", ""])
def test_a_key_that_is_none_is_a_wrong_use(package: Path, key: str) -> None:
    answer = tiny.call("verify", "--bundle", package, "--key", key)
    assert answer.code == 2
    assert "nor is that a public key" in answer.err
