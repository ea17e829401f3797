import errno
import io
import shutil
import struct
import zipfile
from pathlib import Path

import pytest

from medseg.bundle import unpack
from medseg.bundle.contents import ZipContents, contents_of
from medseg.bundle.unpack import forget, is_complete, unpacked, unpacked_again
from medseg.core.errors import BundleError, OutputError

_FILES = {"configs/metadata.json": b"{}", "models/model.pt": bytes(range(256)) * 100}


def _zip(path: Path, top: str = "brats/") -> ZipContents:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in _FILES.items():
            archive.writestr(top + name, data)
    return _opened(path)


def _opened(path: Path) -> ZipContents:
    packed = contents_of(path)
    assert isinstance(packed, ZipContents)
    return packed


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_zip_is_unpacked_once_into_a_folder_of_its_own_name(tmp_path: Path) -> None:
    packed = _zip(tmp_path / "b.zip")
    folder = unpacked(packed, tmp_path / "cache")
    assert folder.name == "brats"
    assert _files(folder) == _FILES
    (folder / "mark").touch()
    assert unpacked(packed, tmp_path / "cache") == folder
    assert (folder / "mark").exists()


def test_a_zip_without_a_folder_is_named_after_its_file(tmp_path: Path) -> None:
    assert unpacked(_zip(tmp_path / "brats-1.2.zip", top=""), tmp_path / "cache").name == "brats-1.2"


def test_a_file_called_dots_stays_in_the_cache(tmp_path: Path) -> None:
    other = unpacked(_zip(tmp_path / "b.zip"), tmp_path / "cache")
    folder = unpacked(_zip(tmp_path / "...zip", top=""), tmp_path / "cache")
    assert folder.name == "bundle"
    assert _files(other) == _files(folder) == _FILES


def test_another_zip_gets_another_folder(tmp_path: Path) -> None:
    first, second = _zip(tmp_path / "a.zip"), _zip(tmp_path / "b.zip", top="brats2/")
    assert unpacked(first, tmp_path / "cache").parent != unpacked(second, tmp_path / "cache").parent


def test_a_copy_that_was_touched_is_not_complete_and_can_be_unpacked_again(tmp_path: Path) -> None:
    packed = _zip(tmp_path / "b.zip")
    folder = unpacked(packed, tmp_path / "cache")
    assert is_complete(folder, packed)
    (folder / "evil.py").touch()
    assert not is_complete(folder, packed)
    (folder / "evil.py").unlink()
    (folder / "models" / "model.pt").write_bytes(b"cut")
    assert not is_complete(folder, packed)
    assert is_complete(unpacked_again(packed, tmp_path / "cache"), packed)


def test_what_is_forgotten_leaves_nothing(tmp_path: Path) -> None:
    packed = _zip(tmp_path / "b.zip")
    unpacked(packed, tmp_path / "cache")
    forget(packed, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def _with_size(path: Path, size: int) -> ZipContents:
    """Another size of the weights in both of their headers, and right in all else."""
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<I", len(_FILES["models/model.pt"])), struct.pack("<I", size)))
    return _opened(path)


@pytest.mark.parametrize(("size", "reason"), [(100, "is damaged"), (26_000, "smaller than the zip says")])
def test_an_entry_of_another_size_is_refused_and_leaves_nothing(tmp_path: Path, size: int, reason: str) -> None:
    _zip(tmp_path / "b.zip")
    with pytest.raises(BundleError, match=f"models/model.pt.*{reason}"):
        unpacked(_with_size(tmp_path / "b.zip", size), tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


class _FullDisk(io.BytesIO):
    def write(self, _: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_told_as_such_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = _zip(tmp_path / "b.zip")
    real = Path.open
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", lambda self, mode="r", **k: _FullDisk() if mode == "xb" else real(self, mode, **k))
        with pytest.raises(OutputError, match="No space left on device"):
            unpacked(packed, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_another_process_that_was_quicker_keeps_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = _zip(tmp_path / "b.zip")
    target = unpacked(packed, tmp_path / "cache")
    shutil.move(target, tmp_path / "theirs")
    (tmp_path / "theirs" / "mark").touch()
    real = unpack._write

    def write(*words: object) -> None:
        real(*words)  # type: ignore[arg-type]
        if not target.exists():
            shutil.move(tmp_path / "theirs", target)

    monkeypatch.setattr(unpack, "_write", write)
    assert unpacked(packed, tmp_path / "cache") == target
    assert (target / "mark").exists()
    assert [path.name for path in target.parent.iterdir()] == ["brats"]


def test_half_a_folder_left_by_hand_is_replaced(tmp_path: Path) -> None:
    packed = _zip(tmp_path / "b.zip")
    folder = unpacked(packed, tmp_path / "cache")
    shutil.rmtree(folder / "configs")
    assert _files(unpacked(packed, tmp_path / "cache")) == _FILES
