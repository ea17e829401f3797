"""A SEG that says anything but its label map is found out, and left where it is."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_results import ALGORITHM, CODED, bits_of, label_map, put_bits, small_series
from pydicom import Dataset

from medseg.core.errors import OutputError
from medseg.io.dicom_seg import write_seg
from medseg.io.dicom_seg_verify import verify_seg


def flip_rows(seg: Dataset) -> None:
    put_bits(seg, bits_of(seg)[:, ::-1])


def flip_columns_of_one_frame(seg: Dataset) -> None:
    bits = bits_of(seg).copy()
    bits[2] = bits[2, :, ::-1]
    put_bits(seg, bits)


def change_a_voxel(seg: Dataset) -> None:
    bits = bits_of(seg).copy()
    bits[1, 0, 0] ^= 1
    put_bits(seg, bits)


def swap_frames(seg: Dataset) -> None:
    bits = bits_of(seg)
    put_bits(seg, bits[[1, 0, *range(2, len(bits))]] if (bits[0] != bits[1]).any() else bits[[-1, *range(1, 7), 0]])


def shift(by: float) -> Callable[[Dataset], None]:
    """Every frame by a share of a slice along the normal."""

    def edit(seg: Dataset) -> None:
        cosines = seg.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient
        normal = np.cross(*np.array(cosines, float).reshape(2, 3))
        for group in seg.PerFrameFunctionalGroupsSequence:
            place = group.PlanePositionSequence[0]
            moved = np.array(place.ImagePositionPatient, float) + by * 3.0 * normal
            place.ImagePositionPatient = [f"{one:.8f}" for one in moved]

    return edit


def another_segment(seg: Dataset) -> None:
    identification = seg.PerFrameFunctionalGroupsSequence[0].SegmentIdentificationSequence[0]
    identification.ReferencedSegmentNumber = 4


def another_source(seg: Dataset) -> None:
    seg.ReferencedSeriesSequence[0].SeriesInstanceUID = "1.2.3"


def another_frame_of_reference(seg: Dataset) -> None:
    seg.FrameOfReferenceUID = "1.2.3"


def another_name(seg: Dataset) -> None:
    seg.SegmentSequence[1].SegmentLabel = "oedema"


def another_object(seg: Dataset) -> None:
    seg.SOPInstanceUID = seg.file_meta.MediaStorageSOPInstanceUID = "1.2.3"


def cut(seg: Dataset) -> None:
    seg.PixelData = seg.PixelData[:50]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (flip_rows, r"\d+ of 693 voxels differ from the label map, the first at \("),
        (flip_columns_of_one_frame, "voxels differ"),
        (
            change_a_voxel,
            r": 1 of 693 voxels differ from the label map, the first at \(0, 0, \d\): segment 1, expected 0",
        ),
        (swap_frames, "voxels differ"),
        (shift(1.0), "voxels differ"),
        (shift(0.01), "does not read back: .*voxels off"),
        (another_segment, "voxels differ"),
        (another_source, "refers to another series"),
        (another_frame_of_reference, "refers to another series or frame of reference"),
        (another_name, "describes 4 segments, not the 4 that were written"),
        (another_object, "is another object"),
        (cut, "does not read back: .*pixel data has 50 bytes"),
    ],
)
def test_a_seg_that_was_altered_is_found_out_and_stays(
    tmp_path: Path, edit: Callable[[Dataset], None], message: str
) -> None:
    series, path = small_series(tmp_path / "ct"), tmp_path / "seg.dcm"
    facts = write_seg(path, label_map(), series, CODED, algorithm=ALGORITHM)
    verify_seg(path, label_map(), series, facts)
    seg = pydicom.dcmread(path)
    edit(seg)
    seg.save_as(path)
    with pytest.raises(OutputError, match=message):
        verify_seg(path, label_map(), series, facts)
    assert path.exists()


def test_the_label_map_of_another_study_is_found_out(tmp_path: Path) -> None:
    series, path, other = small_series(tmp_path / "ct"), tmp_path / "seg.dcm", label_map()
    facts = write_seg(path, label_map(), series, CODED, algorithm=ALGORITHM)
    other[0, 0, 0] = 2
    with pytest.raises(OutputError, match=r"1 of 693 voxels differ .* at \(0, 0, 0\): segment 0, expected 2"):
        verify_seg(path, other, series, facts)
    with pytest.raises(OutputError, match="read back with shape"):
        verify_seg(path, label_map()[:, :, :5], series, facts)


def test_slices_in_another_order_are_found_out(tmp_path: Path) -> None:
    series, path = small_series(tmp_path / "ct"), tmp_path / "seg.dcm"
    facts = write_seg(path, label_map(), series, CODED, algorithm=ALGORITHM)
    backwards = dataclasses.replace(series, slices=series.slices[::-1])
    with pytest.raises(OutputError, match=r"does not read back|voxels differ"):
        verify_seg(path, label_map(), backwards, facts)
