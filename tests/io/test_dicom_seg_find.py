"""Segmentations are found among other files by their class, from their first bytes."""

from pathlib import Path

import pydicom
import pytest
from dicom_results import only_series, written_seg
from pydicom.uid import ImplicitVRLittleEndian

from medseg.io.dicom_seg_find import SegFiles, find_segs


@pytest.mark.parametrize("kind", ["binary", "labelmap"])
def test_both_kinds_of_segmentation_are_found_among_images(tmp_path: Path, kind: str) -> None:
    path, series = written_seg(tmp_path, kind)
    assert find_segs(tmp_path) == SegFiles((path,), (), len(series.slices))
    assert find_segs(path).segs == (path,)
    assert len(only_series(tmp_path / "ct").slices) == 7


def test_a_segmentation_without_file_meta_is_found(tmp_path: Path) -> None:
    path, _ = written_seg(tmp_path)
    seg = pydicom.dcmread(path)
    seg.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    bare = tmp_path / "bare" / "seg"
    bare.parent.mkdir()
    with bare.open("wb") as stream:
        pydicom.filewriter.write_dataset(_stream(stream), seg)
    assert find_segs(bare.parent).segs == (bare,)


def test_a_truncated_segmentation_is_one_still(tmp_path: Path) -> None:
    path, _ = written_seg(tmp_path)
    path.write_bytes(path.read_bytes()[:2000])
    assert find_segs(path).segs == (path,)


def test_what_is_named_dicom_and_is_none_is_damaged_and_other_files_are_nothing(tmp_path: Path) -> None:
    for name in ("a.dcm", "b.txt", ".hidden.dcm"):
        (tmp_path / name).write_bytes(b"hello")
    (tmp_path / "empty.dcm").write_bytes(b"")
    assert find_segs(tmp_path) == SegFiles((), (tmp_path / "a.dcm", tmp_path / "empty.dcm"), 0)


def _stream(stream: object) -> pydicom.filebase.DicomFileLike:
    like = pydicom.filebase.DicomFileLike(stream)
    like.is_implicit_VR, like.is_little_endian = True, True
    return like
