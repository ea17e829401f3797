import hashlib
import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from medseg.bundle import inspection
from medseg.bundle.contents import contents_of
from medseg.bundle.inspection import Inspection, inspection_of
from medseg.bundle.manifest import manifest_digest, manifest_text
from medseg.bundle.runnable import EXPRESSION, TARGET


def look(path: Path) -> Inspection:
    return inspection_of(contents_of(path))


def put(root: Path, name: str, text: str | bytes = "") -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


@pytest.fixture
def bundle(write_bundle: Any) -> Path:
    """The tiny bundle with weights and a script."""
    root: Path = write_bundle()
    put(root, "scripts/net.py", "raise SystemExit")
    (root / "models").mkdir()
    torch.save({"a": torch.zeros(3)}, root / "models" / "model.pt")
    return root


@pytest.fixture
def packed(bundle: Path, tmp_path: Path) -> Path:
    """The same as a zip."""
    return Path(shutil.make_archive(str(tmp_path / "packed"), "zip", bundle.parent, bundle.name))


def test_a_folder_and_a_zip_of_it_hold_the_same(bundle: Path, packed: Path) -> None:
    folder, zipped = look(bundle), look(packed)
    assert (folder.name, folder.version) == ("tiny", "0.1.0")
    assert folder.files == zipped.files
    assert folder.digest == zipped.digest
    assert folder.runnables == zipped.runnables
    assert folder.verdict == zipped.verdict
    assert folder.faults == zipped.faults == ()


def test_every_file_is_told_with_its_size_and_digest(bundle: Path) -> None:
    for file in look(bundle).files:
        data = (bundle / file.name).read_bytes()
        assert (file.bytes_, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_the_digest_is_over_names_and_digests_of_files(bundle: Path) -> None:
    """One that `sha256sum` and `sort` give too."""
    paths = sorted(path for path in bundle.rglob("*") if path.is_file())
    lines = [
        f"{path.relative_to(bundle).as_posix()}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n" for path in paths
    ]
    assert look(bundle).digest == hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def test_a_sealed_bundle_has_the_digest_of_its_manifest(bundle: Path) -> None:
    contents = contents_of(bundle)
    put(bundle, "manifest.json", manifest_text(contents, {"name": "tiny", "version": "0.1.0"}))
    found = look(bundle)
    assert found.digest == manifest_digest(contents_of(bundle))
    assert found.seal is not None
    assert found.seal.manifest is not None
    put(bundle, "configs/train.yaml", "seed: 1\n")
    found = look(bundle)
    assert found.seal is None
    assert "configs/train.yaml was altered" in found.faults[0]
    assert found.verdict.unsafe


def test_what_would_run_is_gathered_from_all_configurations(bundle: Path) -> None:
    put(bundle, "docs/deep/more.JSON", '{"x": {"_target_": "os.system"}}')
    put(bundle, "configs/more.yml", "y: $1\n")
    put(bundle, "configs/logging.conf", "[handler_a]\nclass=Evil\n")
    found = {(one.kind, one.file, one.text) for one in look(bundle).runnables}
    assert (TARGET, "docs/deep/more.JSON", "os.system") in found
    assert (EXPRESSION, "configs/more.yml", "$1") in found
    assert (EXPRESSION, "configs/logging.conf", "Evil") in found
    assert (TARGET, "configs/inference.yaml", "monai.networks.nets.UNet") in found


def test_code_is_told_by_kind(bundle: Path) -> None:
    put(bundle, "run", "#!/bin/sh\n")
    found = look(bundle)
    assert [file.name for file in found.python] == ["scripts/net.py"]
    assert {file.name: file.runs_as for file in found.executables} == {"run": "script"}


def test_weights_are_looked_through_under_any_name(bundle: Path, packed: Path) -> None:
    put(bundle, "data/notes.txt", (bundle / "models" / "model.pt").read_bytes())
    assert set(look(bundle).archives) == {"data/notes.txt", "models/model.pt"}
    assert look(packed).archives["models/model.pt"] == look(bundle).archives["models/model.pt"]


def test_a_large_copy_of_packed_weights_goes_to_the_disk(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = look(packed).archives
    monkeypatch.setattr(inspection, "_IN_MEMORY", 10)
    assert look(packed).archives == before


def test_files_that_are_to_be_fetched_are_told_with_their_address(bundle: Path) -> None:
    put(
        bundle, "large_files.yml", "large_files:\n- {path: models/model.pt, url: 'https://example.org/x'}\n- nonsense\n"
    )
    assert look(bundle).downloads == {"models/model.pt": "https://example.org/x"}


def test_medseg_would_take_the_yaml_before_the_json(bundle: Path) -> None:
    put(bundle, "configs/inference.json", "{}")
    assert look(bundle).verdict.inference == "configs/inference.yaml"
    (bundle / "configs" / "inference.yaml").unlink()
    assert look(bundle).verdict.inference == "configs/inference.json"


def test_a_name_that_is_no_plain_name_gives_way_to_that_of_the_folder(bundle: Path) -> None:
    put(bundle, "configs/metadata.json", json.dumps({"name": "\x1b[31m"}))
    assert look(bundle).name == "tiny"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without pipes")
def test_pipes_devices_and_links_to_nowhere_are_told_and_not_opened(bundle: Path) -> None:
    os.mkfifo(bundle / "configs" / "pipe.json")
    (bundle / "zero.pt").symlink_to("/dev/zero")
    (bundle / "gone.json").symlink_to("nowhere")
    (bundle / "round").symlink_to(".")
    faults = look(bundle).faults
    for name in ("configs/pipe.json", "zero.pt", "gone.json", "round"):
        assert f"{name}: is no plain file and was not looked at" in faults


def test_a_damaged_file_of_a_zip_is_told(bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "damaged.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("configs/metadata.json", "{}")
        archive.writestr("docs/README.md", "A" * 1000)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"A" * 1000, b"A" * 999 + b"B"))
    found = look(path)
    assert any(fault.startswith("docs/README.md: cannot be read") for fault in found.faults)


def test_more_configurations_than_can_be_looked_at_are_told(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "_ALL_JSON", 2000)
    for n in range(9):
        put(bundle, f"configs/z{n}.json", json.dumps(["$x"] * 50))
    faults = look(bundle).faults
    assert "configs/z8.json: was not looked at: there is too much before it" in faults
    assert not any("metadata" in fault or "inference" in fault for fault in faults)


def test_bombs_share_one_limit(bundle: Path) -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    for n in range(50):
        put(bundle, f"configs/z{n:02}.yaml", bomb)
    faults = look(bundle).faults
    assert sum("unfolds to more than" in fault for fault in faults) == 3
    assert sum("was not looked at" in fault for fault in faults) == 47
