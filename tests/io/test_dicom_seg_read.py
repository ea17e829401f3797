"""A SEG is read onto its own grid, onto a series and as masks, whatever the order and number of its frames."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_results import (
    AFFINE,
    ALGORITHM,
    BRAIN,
    CODED,
    bits_of,
    edited,
    label_map,
    numbered,
    only_series,
    put_bits,
    small_series,
    written_seg,
)
from pydicom import Dataset

from medseg.core.errors import FileError, GeometryError
from medseg.io.dicom_seg import write_seg
from medseg.io.dicom_seg_read import read_seg, read_seg_masks, read_seg_onto


def keep_frames(seg: Dataset, kept: list[int]) -> None:
    put_bits(seg, bits_of(seg)[kept])
    seg.PerFrameFunctionalGroupsSequence = [seg.PerFrameFunctionalGroupsSequence[n] for n in kept]
    seg.NumberOfFrames = len(kept)


@pytest.mark.parametrize("kind", ["binary", "labelmap"])
def test_a_seg_is_read_onto_its_slices_with_those_it_leaves_out(tmp_path: Path, kind: str) -> None:
    path, series = written_seg(tmp_path, kind)
    assert np.array_equal(read_seg_onto(path, series), numbered(label_map()))
    assert series.shape is not None
    assert series.affine_ras is not None
    assert np.array_equal(read_seg_onto(path, (series.shape, series.affine_ras)), numbered(label_map()))


@pytest.mark.parametrize("kind", ["binary", "labelmap"])
def test_a_seg_alone_spans_its_first_to_its_last_frame(tmp_path: Path, kind: str) -> None:
    path, series = written_seg(tmp_path, kind)
    seg = read_seg(path)
    assert np.array_equal(seg.labels, numbered(label_map())[:, :, 1:6])
    assert series.affine_ras is not None
    expected = series.affine_ras.copy()
    expected[:3, 3] += expected[:3, 2]
    assert np.allclose(seg.affine_ras, expected, atol=1e-6)
    assert seg.series_uids == (series.uid,)
    assert seg.frame_of_reference_uid == series.header.FrameOfReferenceUID
    assert [one.name for one in seg.segments] == ["necrosis", "edema", "left kidney", "cyst"]
    assert seg.segments[1].type is not None
    assert (seg.segments[1].type.value, seg.segments[1].sites) == ("79654002", (BRAIN,))
    assert (seg.number_of("cyst"), seg.number_of("lung")) == (4, None)


def test_the_order_of_frames_means_nothing(tmp_path: Path) -> None:
    path, series = written_seg(tmp_path)
    edited(path, lambda seg: keep_frames(seg, [5, 2, 7, 0, 6, 1, 4, 3]))
    assert np.array_equal(read_seg_onto(path, series), numbered(label_map()))
    assert np.array_equal(read_seg(path).labels, numbered(label_map())[:, :, 1:6])


def test_a_gap_within_the_frames_is_background(tmp_path: Path) -> None:
    path, series = written_seg(tmp_path)
    numbers = [
        group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        for group in pydicom.dcmread(path).PerFrameFunctionalGroupsSequence
    ]
    edema = [n for n, number in enumerate(numbers) if number == 2]  # k = 2 to 5, along the stack or against it
    edited(path, lambda seg: keep_frames(seg, [edema[0], edema[3]]))
    expected = np.where(label_map() == 2, 2, 0)
    expected[:, :, 3:5] = 0
    assert np.array_equal(read_seg_onto(path, series), expected)
    assert np.array_equal(read_seg(path).labels, expected[:, :, 2:6])


def overlap(seg: Dataset) -> None:
    bits = bits_of(seg)
    necrosis, edema = (
        next(
            n
            for n, group in enumerate(seg.PerFrameFunctionalGroupsSequence)
            if group.SegmentIdentificationSequence[0].ReferencedSegmentNumber == number
            and group.FrameContentSequence[0].DimensionIndexValues[1] == 3
        )
        for number in (1, 2)
    )
    bits = bits.copy()
    bits[edema] |= bits[necrosis]
    put_bits(seg, bits)


def test_overlapping_segments_are_masks_and_no_label_map(tmp_path: Path) -> None:
    path, series = written_seg(tmp_path)
    edited(path, overlap)
    with pytest.raises(FileError, match=r"segments '(necrosis|edema)' and '(necrosis|edema)' overlap"):
        read_seg_onto(path, series)
    with pytest.raises(FileError, match="overlap"):
        read_seg(path)
    masks = read_seg_masks(path, series)
    assert np.array_equal(masks[1], label_map() == 1)
    both = masks[1] & masks[2]
    assert both.sum() == (label_map() == 1).sum() / 3  # one of its three slices
    assert np.array_equal(masks[2] & ~both, label_map() == 2)
    assert not masks[4].any()
    assert read_seg_masks(path)[2].shape == (11, 9, 5)


@pytest.mark.parametrize("kind", ["binary", "labelmap"])
def test_masks_of_segments_that_do_not_overlap_are_the_label_map(tmp_path: Path, kind: str) -> None:
    path, series = written_seg(tmp_path, kind)
    masks = read_seg_masks(path, series)
    assert {number: int(mask.sum()) for number, mask in masks.items()} == {
        number: int((numbered(label_map()) == number).sum()) for number in (1, 2, 3, 4)
    }
    assert all(np.array_equal(mask, numbered(label_map()) == number) for number, mask in masks.items())


def test_a_slice_off_its_place_is_read_with_its_series_and_on_the_regular_grid(tmp_path: Path) -> None:
    series = small_series(tmp_path / "ct")
    header = series.slices[3].header
    path = series.slices[3].path
    normal = np.cross(*np.array(header.ImageOrientationPatient, float).reshape(2, 3))
    dataset = pydicom.dcmread(path)
    dataset.ImagePositionPatient = [
        f"{one:.6f}" for one in np.array(header.ImagePositionPatient, float) + 0.05 * 3 * normal
    ]
    dataset.save_as(path)
    series = only_series(tmp_path / "ct")
    write_seg(tmp_path / "seg.dcm", label_map(), series, CODED, algorithm=ALGORITHM)
    assert np.array_equal(read_seg_onto(tmp_path / "seg.dcm", series, tolerance_voxels=1e-3), numbered(label_map()))
    assert np.array_equal(read_seg(tmp_path / "seg.dcm").labels, numbered(label_map())[:, :, 1:6])


def test_one_slice_without_thickness_has_no_volume(tmp_path: Path) -> None:
    path, series = written_seg(tmp_path)

    def edit(seg: Dataset) -> None:
        keep_frames(seg, [0])
        measures = seg.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
        del measures.SliceThickness, measures.SpacingBetweenSlices

    edited(path, edit)
    with pytest.raises(GeometryError, match="one slice, and nothing states how thick it is"):
        read_seg(path)
    assert np.count_nonzero(read_seg_onto(path, series)) == 9  # 3 x 3 voxels of necrosis


def test_uneven_frames_are_refused_but_for_a_series_that_has_them(tmp_path: Path) -> None:
    path, _ = written_seg(tmp_path)

    def edit(seg: Dataset) -> None:
        for group in seg.PerFrameFunctionalGroupsSequence:
            place = group.PlanePositionSequence[0]
            moved = np.array(place.ImagePositionPatient, float)
            place.ImagePositionPatient = [f"{one:.6f}" for one in moved + 0.02 * (moved - AFFINE[:3, 3]) ** 2]

    edited(path, edit)
    with pytest.raises(GeometryError, match="uneven distances"):
        read_seg(path)


def test_frames_that_span_a_city_are_refused(tmp_path: Path) -> None:
    path, _ = written_seg(tmp_path)

    def edit(seg: Dataset) -> None:
        place = seg.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0]
        normal = np.cross(*np.array(AFFINE[:3, :2].T * [[-1, -1, 1]]) / [[0.9], [1.1]])
        far = np.array(place.ImagePositionPatient, float) + 3.0 * 10**8 * normal
        place.ImagePositionPatient = [f"{one:.2f}"[:16] for one in far]

    edited(path, edit)
    with pytest.raises(GeometryError, match="voxels; too many"):
        read_seg(path)
