"""A sealed folder becomes a zip or moves to its place: whole, as others read it, or not at all."""

import errno
import hashlib
import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from medseg.bundle.contents import contents_of
from medseg.bundle.manifest import MANIFEST, altered_files, read_manifest
from medseg.bundle.minisign import SecretKey, verify
from medseg.bundle.pack import seal_bundle, write_package
from medseg.core.errors import BundleError, OutputError
from tests.full_disk import small_disk

KEY = SecretKey(bytes(8), bytes(32))
FACTS = {"name": "liver", "version": "1.2.0", "made": "2026-01-01T00:00:00Z"}
TEXT = "a line that deflate makes short\n" * 1000
WEIGHTS = bytes(range(256)) * 400


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small folder of the shape of a bundle, sealed."""
    folder = tmp_path / "work" / "liver"
    for name, content in {
        "configs/metadata.json": b"{}",
        "docs/README.md": TEXT.encode(),
        "docs/ä.txt": b"",
        "models/model.pt": WEIGHTS,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    seal_bundle(folder, FACTS, KEY)
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# Sealing


def test_the_manifest_has_the_digest_of_every_file_but_itself_and_its_signature(root: Path) -> None:
    told = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
    others = {
        name: content
        for name, content in files_of(root).items()
        if name not in ("manifest.json", "manifest.json.minisig")
    }
    assert told["files"] == {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()} for name, content in others.items()
    }
    assert {key: told[key] for key in FACTS} == FACTS


def test_the_signature_is_that_of_the_manifest_and_names_package_version_and_time(root: Path) -> None:
    signature = (root / "manifest.json.minisig").read_text(encoding="utf-8")
    said = verify((root / "manifest.json").read_bytes(), signature, KEY.public)
    assert said == "liver 1.2.0, packaged 2026-01-01T00:00:00Z"


def test_a_seal_without_a_key_takes_the_former_signature_away(root: Path) -> None:
    seal_bundle(root, FACTS, None)
    assert not (root / "manifest.json.minisig").exists()
    assert altered_files(contents_of(root), read_manifest(contents_of(root))) == []


# As a zip


def test_the_zip_holds_one_folder_with_every_file(root: Path, tmp_path: Path) -> None:
    write_package(root, tmp_path / "liver-1.2.0.zip")
    with zipfile.ZipFile(tmp_path / "liver-1.2.0.zip") as archive:
        assert archive.testzip() is None
        found = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    assert found == {f"liver/{name}": content for name, content in files_of(root).items()}


@pytest.mark.skipif(shutil.which("unzip") is None, reason="there is no unzip")
def test_unzip_unpacks_it(root: Path, tmp_path: Path) -> None:
    write_package(root, tmp_path / "liver-1.2.0.zip")
    done = subprocess.run(
        ["unzip", "-q", tmp_path / "liver-1.2.0.zip", "-d", tmp_path / "out"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert files_of(tmp_path / "out" / "liver") == files_of(root)
    assert os.access(tmp_path / "out" / "liver" / "LICENSE", os.X_OK) is False


def test_medseg_reads_it_as_the_folder(root: Path, tmp_path: Path) -> None:
    write_package(root, tmp_path / "x.zip")
    packed = contents_of(tmp_path / "x.zip")
    assert packed.names == contents_of(root).names
    assert altered_files(packed, read_manifest(packed)) == []


def test_the_same_files_give_the_same_zip_whenever_they_were_written(root: Path, tmp_path: Path) -> None:
    write_package(root, tmp_path / "one.zip")
    copy = Path(shutil.copytree(root, tmp_path / "other" / "liver"))
    for n, path in enumerate(sorted(copy.rglob("*"))):
        os.utime(path, (n * 1000, n * 1000))
        path.chmod(0o755)
    write_package(copy, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_text_is_packed_and_weights_are_only_stored(root: Path, tmp_path: Path) -> None:
    write_package(root, tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        card, weights = archive.getinfo("liver/docs/README.md"), archive.getinfo("liver/models/model.pt")
    assert card.compress_size < card.file_size / 10
    assert weights.compress_size == weights.file_size == len(WEIGHTS)


def test_an_entry_that_is_small_needs_no_zip64(root: Path, tmp_path: Path) -> None:
    """Version 2.0 of the format, which every program reads; 4.5 is for files above 4 GiB."""
    write_package(root, tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert {entry.extract_version for entry in archive.infolist()} == {20}
        assert {entry.extra for entry in archive.infolist()} == {b""}


def test_a_zip_is_for_everyone_to_read_as_the_umask_says(root: Path, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_package(root, tmp_path / "x.zip")
    finally:
        os.umask(before)
    assert (tmp_path / "x.zip").stat().st_mode & 0o777 == 0o644


# As a folder


def test_a_folder_is_moved_to_its_place(root: Path, tmp_path: Path) -> None:
    before = files_of(root)
    write_package(root, tmp_path / "new" / "liver-1.2.0")
    assert files_of(tmp_path / "new" / "liver-1.2.0") == before
    assert not root.exists()


# What cannot be


@pytest.mark.parametrize("name", ["x.zip", "x"])
def test_what_is_there_already_stays(root: Path, tmp_path: Path, name: str) -> None:
    """A folder would else be moved into it, and a zip replaced."""
    (tmp_path / name).mkdir()
    with pytest.raises(OutputError, match=f"{name}' is there already"):
        write_package(root, tmp_path / name)
    assert list((tmp_path / name).iterdir()) == []
    assert root.is_dir()


@pytest.mark.parametrize("name", ["x.zip", "x"])
def test_a_place_below_a_file_is_refused(root: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        OutputError, match=rf"Cannot write '.*{name}': (File exists|Not a directory)\. .*another --output"
    ):
        write_package(root, tmp_path / "file" / name)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_full_disk_is_said_to_be_one_and_leaves_nothing(root: Path, tmp_path: Path, share: float) -> None:
    """At the first byte, in the first entry, in the weights, and in the list of entries at the end."""
    write_package(root, tmp_path / "whole.zip")
    room = int(share * (tmp_path / "whole.zip").stat().st_size)
    (tmp_path / "out").mkdir()
    with small_disk(room), pytest.raises(OutputError, match=r"Cannot write '.*x\.zip': File too large\. Free space"):
        write_package(root, tmp_path / "out" / "x.zip")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_disk_that_is_full_for_a_moment_is_not_taken_for_a_file_that_cannot_be_read(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All else may be written again by then, so that nothing but this one error tells of it."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(OutputError, match=r"Cannot write '.*x\.zip': No space left on device\. Free space"):
        write_package(root, tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()


@pytest.mark.parametrize("name", ["a\nb", b"caf\xe9"])
def test_a_name_that_cannot_be_shown_is_refused_before_it_is_sealed(tmp_path: Path, name: str | bytes) -> None:
    root = tmp_path / "x"
    root.mkdir()
    (root / os.fsdecode(name)).write_text("")
    with pytest.raises(BundleError, match="no name for a file of a package"):
        seal_bundle(root, FACTS, None)
    assert not (root / MANIFEST).exists()
