"""A written SEG lies on its source's slices, says who made it of what, and is the same file each time."""

import dataclasses
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from dicom_results import (
    AFFINE,
    ALGORITHM,
    CODED,
    NUMBERS,
    OTHER_BUNDLE,
    label_map,
    numbered,
    only_series,
    small_series,
)
from pydicom import Dataset

from medseg.core.errors import DicomError, OutputError, UsageError
from medseg.core.volume import Volume
from medseg.io.dicom_seg import ALLOWED, check_encoding, write_seg
from medseg.io.dicom_seg_verify import verify_seg
from medseg.io.dicom_series import Series
from medseg.io.dicom_write import write_series

# JPEG 2000 needs larger slices; it has a test of its own.
ENCODINGS = [(kind, coding) for kind, codings in ALLOWED.items() for coding in codings if coding != "j2k"]


def by_highdicom(path: Path, series: Series) -> np.ndarray:
    """Segment numbers (I, J, K), asked for by the SOPInstanceUID of each source slice."""
    seg = highdicom.seg.segread(path)
    uids = [one.header.SOPInstanceUID for one in series.slices]
    planes = seg.get_pixels_by_source_instance(
        uids, combine_segments=True, assert_missing_frames_are_empty=True, ignore_spatial_locations=True
    )
    return planes.transpose(2, 1, 0)


def can_write(kind: str, coding: str) -> bool:
    try:
        check_encoding(kind, coding)
    except UsageError:
        return False
    return True


@pytest.mark.parametrize(("kind", "coding"), ENCODINGS)
def test_highdicom_finds_each_label_on_its_slice(tmp_path: Path, kind: str, coding: str) -> None:
    if not can_write(kind, coding):
        pytest.skip(f"no coder for {coding} is installed")
    series = small_series(tmp_path / "ct")
    facts = write_seg(
        tmp_path / "seg.dcm", label_map(), series, CODED, algorithm=ALGORITHM, seg_type=kind, compression=coding
    )
    assert np.array_equal(by_highdicom(tmp_path / "seg.dcm", series), numbered(label_map()))
    assert {one.value: one.number for one in facts.segments} == NUMBERS
    verify_seg(tmp_path / "seg.dcm", label_map(), series, facts)


@pytest.mark.parametrize(("kind", "coding"), [pair for pair in ENCODINGS if can_write(*pair)])
def test_the_same_input_gives_the_same_bytes(tmp_path: Path, kind: str, coding: str) -> None:
    files = []
    for n in range(2):
        series = only_series(tmp_path / "ct") if n else small_series(tmp_path / "ct")
        path = tmp_path / f"{n}.dcm"
        write_seg(path, label_map(), series, CODED, algorithm=ALGORITHM, seg_type=kind, compression=coding)
        files.append(path.read_bytes())
    assert files[0] == files[1]


def test_another_bundle_or_label_map_gives_another_object(tmp_path: Path) -> None:
    series, other = small_series(tmp_path / "ct"), label_map()
    other[5, 5, 5] = 2
    first = write_seg(tmp_path / "1.dcm", label_map(), series, CODED, algorithm=ALGORITHM)
    second = write_seg(tmp_path / "2.dcm", label_map(), series, CODED, algorithm=OTHER_BUNDLE)
    third = write_seg(tmp_path / "3.dcm", other, series, CODED, algorithm=ALGORITHM)
    assert len({one.sop_instance_uid for one in (first, second, third)}) == 3
    assert first.series_uid == third.series_uid != second.series_uid
    assert first.segments == third.segments != second.segments


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Series]:
    folder = tmp_path_factory.mktemp("written")
    series = small_series(
        folder / "mr", modality="MR", AccessionNumber="A1", StudyDescription="Head", TimezoneOffsetFromUTC="+0100"
    )
    write_seg(folder / "seg.dcm", label_map(), series, CODED, algorithm=ALGORITHM)
    return pydicom.dcmread(folder / "seg.dcm"), series


@pytest.mark.parametrize(
    "keyword",
    [
        *("PatientName", "PatientID", "PatientSex", "StudyInstanceUID", "StudyDate", "StudyID", "AccessionNumber"),
        *("StudyDescription", "FrameOfReferenceUID", "SpecificCharacterSet", "TimezoneOffsetFromUTC"),
    ],
)
def test_patient_study_and_frame_of_reference_are_the_source_s(written: tuple[Dataset, Series], keyword: str) -> None:
    seg, series = written
    assert seg[keyword].value == series.header[keyword].value


def test_series_and_maker_are_our_own_and_named(written: tuple[Dataset, Series]) -> None:
    seg, series = written
    assert seg.SeriesInstanceUID != series.uid
    assert (seg.Modality, seg.SeriesNumber, seg.Manufacturer) == ("SEG", 791, "medseg")
    assert (seg.ContentLabel, seg.ContentQualification) == ("SEGMENTATION", "RESEARCH")
    assert "research use only" in seg.ContentDescription
    assert seg.DeviceSerialNumber == ALGORITHM.digest
    assert list(seg.SoftwareVersions) == ["medseg 0.3.0", "bundle 1.2.0"]
    said = [item.get("ContributionDescription", "") for item in seg.ContributingEquipmentSequence]
    assert any(f"brats_unet3d 1.2.0, bundle sha256 {ALGORITHM.digest}, research use only" in one for one in said)
    assert (seg.ContentDate, seg.SeriesDate) == (series.header.StudyDate, series.header.StudyDate)


def test_every_source_instance_is_referenced_and_each_frame_s_own(written: tuple[Dataset, Series]) -> None:
    seg, series = written
    uids = [one.header.SOPInstanceUID for one in series.slices]
    of_series = seg.ReferencedSeriesSequence[0]
    assert of_series.SeriesInstanceUID == series.uid
    assert [item.ReferencedSOPInstanceUID for item in of_series.ReferencedInstanceSequence] == uids
    assert {item.ReferencedSOPClassUID for item in of_series.ReferencedInstanceSequence} == {series.header.SOPClassUID}
    for frame in seg.PerFrameFunctionalGroupsSequence:
        source = frame.DerivationImageSequence[0].SourceImageSequence[0]
        one = series.slices[uids.index(source.ReferencedSOPInstanceUID)]
        assert np.allclose(frame.PlanePositionSequence[0].ImagePositionPatient, one.position_lps, atol=1e-9)


def test_segments_are_coded_tracked_and_coloured(written: tuple[Dataset, Series]) -> None:
    seg, _ = written
    assert [item.SegmentLabel for item in seg.SegmentSequence] == ["necrosis", "edema", "left kidney", "cyst"]
    necrosis, kidney = seg.SegmentSequence[0], seg.SegmentSequence[2]
    assert necrosis.SegmentAlgorithmType == "AUTOMATIC"
    assert necrosis.SegmentationAlgorithmIdentificationSequence[0].AlgorithmName == "brats_unet3d"
    assert necrosis.SegmentedPropertyCategoryCodeSequence[0].CodeValue == "49755003"
    assert necrosis.SegmentedPropertyTypeCodeSequence[0].CodeMeaning == "Necrosis"
    assert necrosis.AnatomicRegionSequence[0].CodeValue == "12738006"
    # Pure red is L* 53, a* 80, b* 67 (CIE, D65/D50); stored as 16 bits of 0..100 and -128..127.
    stored = np.array(necrosis.RecommendedDisplayCIELabValue) / 65535 * [100, 255, 255] - [0, 128, 128]
    assert np.allclose(stored, [54, 80, 69], atol=3)
    modifier = kidney.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence[0]
    assert (modifier.CodeValue, modifier.CodingSchemeDesignator) == ("7771000", "SCT")
    assert "RecommendedDisplayCIELabValue" not in kidney
    assert (kidney.TrackingID, kidney.SegmentDescription) == ("left kidney", "label map value 4")
    assert len({item.TrackingUID for item in seg.SegmentSequence}) == 4


def test_frames_without_a_voxel_are_left_out_or_kept_as_asked(tmp_path: Path) -> None:
    series = small_series(tmp_path / "ct")
    write_seg(tmp_path / "1.dcm", label_map(), series, CODED, algorithm=ALGORITHM)
    assert pydicom.dcmread(tmp_path / "1.dcm").NumberOfFrames == 3 + 4 + 1
    facts = write_seg(tmp_path / "2.dcm", label_map(), series, CODED, algorithm=ALGORITHM, keep_empty_frames=True)
    assert pydicom.dcmread(tmp_path / "2.dcm").NumberOfFrames == 4 * 7
    verify_seg(tmp_path / "2.dcm", label_map(), series, facts)


@pytest.mark.parametrize("kind", ["binary", "labelmap"])
def test_an_empty_label_map_says_that_everything_was_looked_for_and_nothing_found(tmp_path: Path, kind: str) -> None:
    series, nothing = small_series(tmp_path / "ct"), np.zeros_like(label_map())
    facts = write_seg(tmp_path / "seg.dcm", nothing, series, CODED, algorithm=ALGORITHM, seg_type=kind)
    seg = pydicom.dcmread(tmp_path / "seg.dcm")
    assert seg.NumberOfFrames == (4 if kind == "binary" else 1)
    assert not seg.pixel_array.any()
    verify_seg(tmp_path / "seg.dcm", nothing, series, facts)


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("ISO_IR 144", "Иванов^Пётр"),
        ("ISO_IR 192", "山田^太郎"),
        ("ISO_IR 100", "Größe^Jörg"),
        ("ISO_IR 100", "Doe^Ödön"),
    ],
)
@pytest.mark.parametrize("label", ["edema", "отёк"])
def test_a_name_in_any_script_survives(tmp_path: Path, charset: str, name: str, label: str) -> None:
    small_series(tmp_path / "ct", SpecificCharacterSet=charset, PatientName=name)
    coded = [dataclasses.replace(CODED[1], name=label), *(one for one in CODED if one.values != (2,))]
    write_seg(tmp_path / "seg.dcm", label_map(), only_series(tmp_path / "ct"), coded, algorithm=ALGORITHM)
    seg = pydicom.dcmread(tmp_path / "seg.dcm")
    assert str(seg.PatientName) == name
    assert seg.SegmentSequence[0].SegmentLabel == label
    if label.isascii():
        assert seg.SpecificCharacterSet == charset


@pytest.mark.parametrize("coding", ["rle", "jpegls"])
def test_what_one_bit_cannot_be_coded_with_is_said_before_anything_is_written(tmp_path: Path, coding: str) -> None:
    series = small_series(tmp_path / "ct")
    with pytest.raises(UsageError, match=f"binary SEG cannot be compressed with '{coding}'; choose none, j2k"):
        write_seg(tmp_path / "seg.dcm", label_map(), series, CODED, algorithm=ALGORITHM, compression=coding)
    assert not (tmp_path / "seg.dcm").exists()


@pytest.mark.parametrize("kind", ["binary", "labelmap"])
def test_jpeg_2000_is_exact_where_it_can_be_had_and_says_where_not(tmp_path: Path, kind: str) -> None:
    with pytest.raises((OutputError, UsageError), match=r"from 32 pixels along each side|needs the Python package"):
        write_seg(
            tmp_path / "small.dcm",
            label_map(),
            small_series(tmp_path / "small"),
            CODED,
            algorithm=ALGORITHM,
            seg_type=kind,
            compression="j2k",
        )
    if not can_write(kind, "j2k"):
        pytest.skip("no coder for JPEG 2000 is installed")
    write_series(Volume(np.zeros((1, 33, 35, 3)), AFFINE), tmp_path / "large", modality="CT")
    series, labels = only_series(tmp_path / "large"), label_map((33, 35, 3))
    facts = write_seg(
        tmp_path / "seg.dcm", labels, series, CODED, algorithm=ALGORITHM, seg_type=kind, compression="j2k"
    )
    assert np.array_equal(by_highdicom(tmp_path / "seg.dcm", series), numbered(labels))
    verify_seg(tmp_path / "seg.dcm", labels, series, facts)


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(UsageError, match="SEG type 'fractional' is unknown; choose binary or labelmap"):
        check_encoding("fractional", "none")


def test_a_label_map_on_another_grid_is_refused(tmp_path: Path) -> None:
    series = small_series(tmp_path / "ct")
    with pytest.raises(OutputError, match=r"does not lie on its slices: shape 11x9x5 against 11x9x7"):
        write_seg(tmp_path / "seg.dcm", label_map()[:, :, 1:6], series, CODED, algorithm=ALGORITHM)


def test_a_source_without_uids_gives_no_dicom(tmp_path: Path) -> None:
    series = small_series(tmp_path / "ct")
    for one in series.slices:
        one.header.SOPInstanceUID = ""
    with pytest.raises(DicomError, match="DICOM output impossible") as refused:
        write_seg(tmp_path / "seg.dcm", label_map(), series, CODED, algorithm=ALGORITHM)
    assert refused.value.code == "no_uids"
