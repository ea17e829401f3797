"""A report names each label with its volume, its codes and its segment, and is the same file each time."""

import dataclasses
import math
from pathlib import Path

import highdicom
import pydicom
import pytest
from dicom_results import (
    ABSENT,
    ALGORITHM,
    BRAIN,
    CODED,
    EDEMA,
    KIDNEY,
    LEFT,
    NECROSIS,
    WHOLE,
    label_map,
    small_series,
)
from pydicom import Dataset
from pydicom.sr.codedict import codes

from medseg.core.errors import DicomError, OutputError
from medseg.io.dicom_result import SegFacts
from medseg.io.dicom_seg import write_seg
from medseg.io.dicom_series import Series
from medseg.io.dicom_sr import write_sr
from medseg.io.dicom_sr_read import read_sr_volumes

MEASURED = [(NECROSIS, 0.08019), (EDEMA, 0.09504), (KIDNEY, 12.5), (ABSENT, 0.0), (WHOLE, 0.17523)]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Series, SegFacts]:
    folder = tmp_path_factory.mktemp("report")
    series = small_series(folder / "mr", modality="MR", AccessionNumber="A1")
    facts = write_seg(folder / "seg.dcm", label_map(), series, CODED, algorithm=ALGORITHM)
    write_sr(folder / "sr.dcm", series, facts, MEASURED, algorithm=ALGORITHM, warnings=["few slices: 7 slices."])
    return folder / "sr.dcm", series, facts


def groups_of(path: Path) -> highdicom.sr.MeasurementReport:
    return highdicom.sr.srread(path).content


def test_highdicom_finds_volumes_codes_and_segments(written: tuple[Path, Series, SegFacts]) -> None:
    path, series, facts = written
    groups = groups_of(path).get_volumetric_roi_measurement_groups()
    assert [group.tracking_identifier for group in groups] == [label.name for label, _ in MEASURED[:4]]
    for group, (label, volume_ml), segment in zip(groups, MEASURED[:4], facts.segments, strict=True):
        measured = group.get_measurements(name=codes.SCT.Volume)[0]
        assert measured.value == pytest.approx(volume_ml)
        assert measured.unit == codes.UCUM.CubicCentimeter  # a millilitre
        assert group.finding_type.value == label.type.value
        assert group.finding_category.value == label.category.value
        assert group.tracking_uid == segment.tracking_uid
        reference = group.referenced_segment
        assert reference.referenced_sop_instance_uid == facts.sop_instance_uid
        assert reference.referenced_segment_numbers == [segment.number]
        assert reference.source_series_for_segmentation.value == series.uid


def test_a_region_has_a_group_without_a_segment(written: tuple[Path, Series, SegFacts]) -> None:
    groups = groups_of(written[0]).get_image_measurement_groups()
    assert [group.tracking_identifier for group in groups] == ["whole tumour"]
    assert groups[0].get_measurements(name=codes.SCT.Volume)[0].value == pytest.approx(0.17523)


def test_the_site_and_the_side_are_said(written: tuple[Path, Series, SegFacts]) -> None:
    groups = groups_of(written[0]).get_volumetric_roi_measurement_groups()
    assert [site.value.value for site in groups[0].finding_sites] == [BRAIN.value]
    kidney = groups[2].finding_sites[0]
    assert (kidney.value.value, kidney.laterality.value) == (KIDNEY.type.value, LEFT.value)
    assert groups[3].finding_sites == []


def texts(item: Dataset) -> list[str]:
    inner = [text for one in item.get("ContentSequence") or () for text in texts(one)]
    return [str(item.TextValue), *inner] if "TextValue" in item else inner


def test_algorithm_research_use_and_warnings_are_said(written: tuple[Path, Series, SegFacts]) -> None:
    report = pydicom.dcmread(written[0])
    said = texts(report)
    assert f"brats_unet3d 1.2.0, bundle sha256 {ALGORITHM.digest}, research use only." in said
    assert "few slices: 7 slices." in said
    assert said.count("brats_unet3d") == 1 + 5  # the device, and each group
    assert (report.CompletionFlag, report.VerificationFlag, report.PreliminaryFlag) == (
        "COMPLETE",
        "UNVERIFIED",
        "PRELIMINARY",
    )
    assert report.ContentTemplateSequence[0].TemplateIdentifier == "1500"


def test_patient_study_and_evidence_are_the_source_s(written: tuple[Path, Series, SegFacts]) -> None:
    path, series, facts = written
    report = pydicom.dcmread(path)
    for keyword in ("PatientName", "PatientID", "StudyInstanceUID", "AccessionNumber", "SpecificCharacterSet"):
        assert report[keyword].value == series.header[keyword].value
    assert (report.SeriesNumber, report.ContentDate) == (792, series.header.StudyDate)
    study = report.CurrentRequestedProcedureEvidenceSequence[0]
    named = {one.SeriesInstanceUID: one.ReferencedSOPSequence for one in study.ReferencedSeriesSequence}
    assert [item.ReferencedSOPInstanceUID for item in named[series.uid]] == [
        one.header.SOPInstanceUID for one in series.slices
    ]
    assert {item.ReferencedSOPClassUID for item in named[series.uid]} == {series.header.SOPClassUID}
    assert [item.ReferencedSOPInstanceUID for item in named[facts.series_uid]] == [facts.sop_instance_uid]


def test_the_same_input_gives_the_same_bytes(written: tuple[Path, Series, SegFacts], tmp_path: Path) -> None:
    path, series, facts = written
    warnings = ["few slices: 7 slices."]
    uid = write_sr(tmp_path / "sr.dcm", series, facts, MEASURED, algorithm=ALGORITHM, warnings=warnings)
    assert (tmp_path / "sr.dcm").read_bytes() == path.read_bytes()
    other = write_sr(tmp_path / "other.dcm", series, facts, MEASURED[:2], algorithm=ALGORITHM, warnings=warnings)
    assert uid != other


def test_volumes_are_read_back_by_name(written: tuple[Path, Series, SegFacts]) -> None:
    read = read_sr_volumes(written[0])
    assert list(read) == [label.name for label, _ in MEASURED]
    assert list(read.values()) == pytest.approx([volume_ml for _, volume_ml in MEASURED])


def test_without_a_seg_every_group_stands_alone(written: tuple[Path, Series, SegFacts], tmp_path: Path) -> None:
    write_sr(tmp_path / "sr.dcm", written[1], None, MEASURED, algorithm=ALGORITHM)
    assert len(groups_of(tmp_path / "sr.dcm").get_image_measurement_groups()) == 5
    assert len(read_sr_volumes(tmp_path / "sr.dcm")) == 5


def test_words_and_names_of_two_scripts_survive(tmp_path: Path) -> None:
    series = small_series(tmp_path / "ct", SpecificCharacterSet="ISO_IR 144", PatientName="Иванов^Пётр")
    write_sr(tmp_path / "sr.dcm", series, None, MEASURED, algorithm=ALGORITHM, warnings=["Größe …"])
    report = pydicom.dcmread(tmp_path / "sr.dcm")
    assert str(report.PatientName) == "Иванов^Пётр"
    assert "Größe …" in texts(report)


@pytest.mark.parametrize(
    ("measured", "message"),
    [
        ([], "there is no volume to report"),
        ([(EDEMA, math.nan)], "'edema': a volume of nan ml"),
        ([(EDEMA, -1.0)], "'edema': a volume of -1.0 ml; it must be a number, 0 or more"),
        ([(EDEMA, 1.0), (EDEMA, 2.0)], "'edema' is measured twice"),
        ([(dataclasses.replace(EDEMA, name=""), 1.0)], "a name has 1 to 64 letters"),
    ],
)
def test_what_cannot_be_reported_is_refused(
    written: tuple[Path, Series, SegFacts], tmp_path: Path, measured: list[tuple], message: str
) -> None:
    with pytest.raises(OutputError, match=message):
        write_sr(tmp_path / "sr.dcm", written[1], None, measured, algorithm=ALGORITHM)
    assert not (tmp_path / "sr.dcm").exists()


def test_a_source_without_uids_gives_no_report(tmp_path: Path) -> None:
    series = small_series(tmp_path / "ct")
    series.header.FrameOfReferenceUID = ""
    with pytest.raises(DicomError, match="no FrameOfReferenceUID in 1 of 7 files") as refused:
        write_sr(tmp_path / "sr.dcm", series, None, MEASURED, algorithm=ALGORITHM)
    assert refused.value.code == "no_uids"
