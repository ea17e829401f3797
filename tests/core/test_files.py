import errno
import hashlib
import json
import math
import os
import stat
import tempfile
from pathlib import Path

import pytest

from medseg.core.errors import OutputError
from medseg.core.files import digest_of, digest_of_file, replacing, without_nan, write_json, write_text


def test_a_text_is_written_as_utf8_and_folders_are_made(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b" / "note.txt", "µm – ö\n")
    assert (tmp_path / "a" / "b" / "note.txt").read_bytes() == "µm – ö\n".encode()


def test_json_reads_back_and_ends_with_a_newline(tmp_path: Path) -> None:
    write_json(tmp_path / "v.json", {"b": [1, 2.5, None], "ä": "ö"})
    text = (tmp_path / "v.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"b": [1, 2.5, None], "ä": "ö"}
    assert text.endswith("}\n")


def test_the_temporary_file_lies_beside_and_keeps_the_suffixes(tmp_path: Path) -> None:
    with replacing(tmp_path / "P1.nii.gz") as temporary:
        assert temporary.parent == tmp_path
        assert temporary.name.endswith(".nii.gz")
        temporary.write_bytes(b"new")
    assert os.listdir(tmp_path) == ["P1.nii.gz"]


def test_the_former_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    path.write_bytes(b"former")
    with replacing(path) as temporary:
        temporary.write_bytes(b"new")
        assert path.read_bytes() == b"former"
    assert path.read_bytes() == b"new"


def test_a_failure_in_mid_write_leaves_the_former_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    path.write_bytes(b"former")
    with pytest.raises(ValueError, match="in mid-write"), replacing(path) as temporary:  # noqa: PT012
        temporary.write_bytes(b"half")
        raise ValueError("in mid-write")
    assert path.read_bytes() == b"former"
    assert os.listdir(tmp_path) == ["last.pt"]


def test_a_full_disk_is_named_and_the_former_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "last.pt"
    path.write_bytes(b"former")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"last\.pt': No space left on device\. Free space"):
        write_text(path, "new")
    assert path.read_bytes() == b"former"
    assert os.listdir(tmp_path) == ["last.pt"]


def test_the_content_is_flushed_before_the_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, flush = [], os.fsync

    def fsync(handle: int) -> None:
        seen.append((stat.S_ISREG(os.fstat(handle).st_mode), (tmp_path / "f").exists()))
        flush(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    write_text(tmp_path / "f", "x")
    assert seen == [(True, False), (False, True)]  # the file before the rename, the folder after it


def test_a_file_where_a_folder_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(OutputError, match=r"Cannot write '.*runs.*choose another --output"):
        write_text(tmp_path / "runs" / "x.txt", "x")


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_folder_that_may_not_be_written_is_refused(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(tempfile, "mkstemp", refuse)  # root, as in containers, may write anywhere
    with pytest.raises(OutputError, match=os.strerror(number)):
        write_text(tmp_path / "x.txt", "x")


def test_others_may_read_the_file_as_the_umask_says(tmp_path: Path) -> None:
    former = os.umask(0o027)
    try:
        write_text(tmp_path / "x.txt", "x")
    finally:
        os.umask(former)
    assert stat.S_IMODE((tmp_path / "x.txt").stat().st_mode) == 0o640


def test_the_digest_of_a_file_is_the_sha256_of_its_bytes(tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000  # more than one block
    (tmp_path / "f").write_bytes(content)
    assert digest_of_file(tmp_path / "f") == hashlib.sha256(content).hexdigest()


def test_equal_values_have_equal_digests_whatever_their_order() -> None:
    assert digest_of({"a": 1, "b": [2, 3]}) == digest_of({"b": (2, 3), "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": 2})


def test_bytes_of_a_file_name_that_are_no_text_become_escapes(tmp_path: Path) -> None:
    name = os.fsdecode(b"M\xfcller ") + "ö"
    write_json(tmp_path / "run.json", {"file": name})
    assert json.loads((tmp_path / "run.json").read_text(encoding="utf-8")) == {"file": name}


def test_json_gets_none_in_place_of_nan() -> None:
    assert without_nan({"a": 0.5, "b": math.nan, "c": 0.0}) == {"a": 0.5, "b": None, "c": 0.0}
