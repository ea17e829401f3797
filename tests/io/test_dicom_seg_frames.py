"""What is no label map, or damaged, is refused with the reason."""

from pathlib import Path

import numpy as np
import pytest
from dicom_results import (
    Edit,
    edited,
    label_map,
    numbered,
    written_seg,
)
from pydicom import Dataset

from medseg.core.errors import FileError, GeometryError
from medseg.io.dicom_seg_read import read_seg, read_seg_masks, read_seg_onto


def fractional(seg: Dataset) -> None:
    seg.SegmentationType = "FRACTIONAL"


def no_positions(seg: Dataset) -> None:
    for group in seg.PerFrameFunctionalGroupsSequence:
        del group.PlanePositionSequence


def truncated(seg: Dataset) -> None:
    seg.PixelData = seg.PixelData[:40]


def undescribed(seg: Dataset) -> None:
    seg.SegmentSequence = seg.SegmentSequence[:2]


def not_a_seg(seg: Dataset) -> None:
    seg.SOPClassUID, seg.Modality = "1.2.840.10008.5.1.4.1.1.2", "CT"


def too_many(seg: Dataset) -> None:
    seg.SegmentSequence[3].SegmentNumber = 300


def headless(seg: Dataset) -> None:
    del seg.SegmentSequence


def fewer_places(seg: Dataset) -> None:
    seg.PerFrameFunctionalGroupsSequence = seg.PerFrameFunctionalGroupsSequence[:3]


@pytest.mark.parametrize(
    ("edit", "error", "message"),
    [
        (fractional, FileError, "fractional: its pixels are shares, no labels"),
        (no_positions, GeometryError, "frame 1 has no place in the patient"),
        (truncated, FileError, "pixel data has 40 bytes of 99"),
        (undescribed, FileError, r"frames of segments \[3\], which it does not describe"),
        (not_a_seg, FileError, "not a DICOM segmentation, its modality is 'CT'"),
        (too_many, FileError, "segment number 300; label maps hold numbers up to 255"),
        (headless, FileError, r"no proper SEG \(AttributeError in its header\)"),
        (fewer_places, FileError, "8 frames, but places of 3"),
    ],
)
def test_what_is_no_label_map_is_refused_with_the_reason(
    tmp_path: Path, edit: Edit, error: type[Exception], message: str
) -> None:
    path, series = written_seg(tmp_path)
    edited(path, edit)
    for read in (lambda: read_seg(path), lambda: read_seg_onto(path, series), lambda: read_seg_masks(path)):
        with pytest.raises(error, match=message):
            read()


def test_a_file_that_is_no_dicom_is_refused(tmp_path: Path) -> None:
    (tmp_path / "seg.dcm").write_bytes(b"no DICOM at all" * 50)
    with pytest.raises(FileError, match=r"cannot be read as DICOM|not a DICOM segmentation"):
        read_seg(tmp_path / "seg.dcm")


def test_a_label_map_value_that_no_segment_describes_is_refused(tmp_path: Path) -> None:
    path, series = written_seg(tmp_path, "labelmap")

    def edit(seg: Dataset) -> None:
        pixels = bytearray(seg.PixelData)
        pixels[5] = 9
        seg.PixelData = bytes(pixels)

    edited(path, edit)
    with pytest.raises(FileError, match="pixels of segment 9, which it does not describe"):
        read_seg_onto(path, series)


def test_padding_is_background_whatever_its_value(tmp_path: Path) -> None:
    path, series = written_seg(tmp_path, "labelmap")

    def edit(seg: Dataset) -> None:
        seg.PixelData = bytes(9 if value == 0 else value for value in seg.PixelData)
        seg.PixelPaddingValue = 9

    edited(path, edit)
    assert np.array_equal(read_seg_onto(path, series), numbered(label_map()))


def test_a_segment_zero_that_is_no_background_is_refused(tmp_path: Path) -> None:
    path, _ = written_seg(tmp_path, "labelmap")

    def edit(seg: Dataset) -> None:
        seg.SegmentSequence[0].SegmentLabel = "Air"
        seg.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0].CodeValue = "1"

    edited(path, edit)
    with pytest.raises(FileError, match="segment 0 is 'Air'"):
        read_seg(path)
