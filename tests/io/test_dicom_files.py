"""Which files are DICOM, what stands in their headers, and that no file can hang or fill memory."""

import os
import re
import zlib
from pathlib import Path

import pydicom
import pytest
from dicom_codings import as_deflated, as_implicit
from dicom_good import good_datasets, write_datasets
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from medseg.io import dicom_files
from medseg.io.dicom_files import Files, open_dataset, read_headers
from medseg.io.dicom_start import has_dicom


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three slices, 000.dcm to 002.dcm."""
    write_datasets(good_datasets("MR")[:3], tmp_path)
    return tmp_path


def named(files: Files) -> list[str]:
    return [one.path.name for one in files.headers]


def test_files_are_found_in_any_depth_and_order_of_names(folder: Path) -> None:
    (folder / "z" / "y").mkdir(parents=True)
    (folder / "001.dcm").rename(folder / "z" / "y" / "no extension")
    assert named(read_headers(folder)) == ["000.dcm", "002.dcm", "no extension"]


def test_a_single_file_is_read(folder: Path) -> None:
    assert named(read_headers(folder / "001.dcm")) == ["001.dcm"]


def test_headers_hold_no_pixels_and_say_where_they_begin(folder: Path) -> None:
    one = read_headers(folder / "000.dcm").headers[0]
    assert "PixelData" not in one.dataset
    assert one.path.read_bytes()[one.pixels_at :][:4] == b"\xe0\x7f\x10\x00"


def test_what_is_no_dicom_is_counted_and_what_is_hidden_is_not(folder: Path) -> None:
    for name in ("notes.txt", "a.json", ".hidden", "Thumbs.db", "DICOMDIR"):
        (folder / name).write_text("text")
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX" / "x").write_text("text")
    files = read_headers(folder)
    assert (len(files.headers), files.damaged, files.others) == (3, (), 2)


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"", "empty_file", r"empty file \(0 bytes\)"),
        (bytes(34), "empty_file", "first 34 bytes are 0"),
        (bytes(5000), "empty_file", "first 1024 bytes are 0"),
        (bytes(128) + b"DICM", "truncated", "header ends"),
        (bytes(128) + b"DICM" + b"\x9d" * 300, "truncated", "header ends"),
    ],
)
def test_a_file_that_may_be_a_slice_and_cannot_be_read_is_damaged(folder: Path, content, code, says) -> None:
    (folder / "bad").write_bytes(content)
    files = read_headers(folder)
    (damaged,) = files.damaged
    assert len(files.headers) == 3
    assert (damaged.path.name, damaged.finding.code) == ("bad", code)
    assert re.search(says, damaged.finding.sentence)


def test_a_file_meta_element_of_no_known_type_is_damage(folder: Path) -> None:
    path = folder / "001.dcm"
    content = bytearray(path.read_bytes())
    content[content.index(b"UI", 150) : content.index(b"UI", 150) + 2] = b"UH"
    path.write_bytes(content)
    (damaged,) = read_headers(folder).damaged
    assert damaged.finding.code == "unreadable"
    assert "001.dcm': cannot be read as DICOM" in damaged.finding.sentence


def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    assert len(read_headers(folder).headers) == 3
    assert read_headers(folder / "pipe") == Files((), (), 0)
    assert not has_dicom(folder / "pipe")


def test_a_path_that_is_not_there_is_damage(tmp_path: Path) -> None:
    assert [one.finding.code for one in read_headers(tmp_path / "gone").damaged] == ["unreadable"]


def test_a_folder_of_links_to_itself_ends(folder: Path) -> None:
    (folder / "again").symlink_to(folder, target_is_directory=True)
    assert len(read_headers(folder).headers) == 3


def test_dicom_is_told_from_other_files_by_its_first_bytes(folder: Path, tmp_path: Path) -> None:
    assert has_dicom(folder)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.dcm").write_text("no DICOM at all")
    assert not has_dicom(tmp_path / "other")


def test_a_file_without_preamble_is_read_where_it_names_its_instance(folder: Path) -> None:
    path = folder / "000.dcm"
    path.write_bytes(path.read_bytes()[132:])
    (folder / "other").write_bytes(b"\x08\x00\x05\x00 is how this text begins")
    files = read_headers(folder)
    assert (len(files.headers), len(files.damaged), files.others) == (3, 0, 1)


def test_the_syntax_of_a_file_without_meta_group_is_found(folder: Path) -> None:
    path = folder / "000.dcm"
    as_implicit(path)
    dataset = pydicom.dcmread(path)
    dataset.preamble, dataset.file_meta = None, pydicom.dataset.FileMetaDataset()
    dataset.save_as(path, implicit_vr=True, little_endian=True)
    assert read_headers(path).headers[0].dataset.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2"


def test_a_deflated_file_is_inflated(folder: Path) -> None:
    path = folder / "000.dcm"
    plain = pydicom.dcmread(path)
    as_deflated(path)
    header = read_headers(path).headers[0]
    assert header.pixels_at is None
    assert header.dataset.PatientID == plain.PatientID
    assert open_dataset(path, with_pixels=True).PixelData == plain.PixelData


@pytest.mark.parametrize("hidden", [False, True])
def test_a_bomb_is_stopped_at_the_limit(folder: Path, monkeypatch: pytest.MonkeyPatch, hidden: bool) -> None:
    """Also where a long meta group keeps the transfer syntax out of the first bytes."""
    path = folder / "000.dcm"
    as_deflated(path)
    content = path.read_bytes()
    begin = 144 + int.from_bytes(content[140:144], "little")
    plain = zlib.decompress(content[begin:], -zlib.MAX_WBITS)
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = packer.compress(plain + bytes(4 * 2**20)) + packer.flush()
    meta = content[144:begin]
    if hidden:  # a version of two kilobytes
        meta = (
            b"\x02\x00\x01\x00OB\0\0" + (2048).to_bytes(4, "little") + bytes(2048) + meta[meta.index(b"\2\0\2\0UI") :]
        )
    path.write_bytes(content[:140] + len(meta).to_bytes(4, "little") + meta + bomb)
    assert pydicom.dcmread(path).file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian
    monkeypatch.setattr(dicom_files, "MAX_INFLATED_BYTES", 2**20)
    (damaged,) = read_headers(path).damaged
    assert damaged.finding.code == "too_large"
    assert "1 MiB" in damaged.finding.sentence
    with pytest.raises(OverflowError):
        open_dataset(path, with_pixels=True)


def test_a_deflated_file_just_within_the_limit_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "000.dcm"
    as_deflated(path)
    content = path.read_bytes()
    size = len(zlib.decompress(content[144 + int.from_bytes(content[140:144], "little") :], -zlib.MAX_WBITS))
    monkeypatch.setattr(dicom_files, "MAX_INFLATED_BYTES", size)
    assert len(read_headers(path).headers) == 1
    monkeypatch.setattr(dicom_files, "MAX_INFLATED_BYTES", size - 1)
    assert len(read_headers(path).damaged) == 1


def test_messages_name_the_file_and_nothing_of_its_content(folder: Path) -> None:
    path = folder / "000.dcm"
    content = bytearray(path.read_bytes())
    content[300:330] = b"\xff" * 30
    path.write_bytes(content)
    assert not any("Zzyzx" in one.finding.sentence for one in read_headers(folder).damaged)
    assert pydicom.dcmread(folder / "001.dcm").file_meta.TransferSyntaxUID == ExplicitVRLittleEndian


def test_a_folder_that_cannot_be_listed_is_damage_and_not_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir()
    listed = os.scandir

    def refuse(folder: object) -> object:
        if str(folder).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(folder))
        return listed(folder)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "scandir", refuse)
    (damaged,) = read_headers(tmp_path).damaged
    assert damaged.finding.code == "unreadable"
    assert "'closed'" in damaged.finding.sentence
