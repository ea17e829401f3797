"""Which attributes stay: what makes an image readable and recognisable, and no text that names its patient."""

from __future__ import annotations

from pathlib import Path

from dicom_planted import deidentify_all, deidentify_one, result_of, write_enhanced
from pydicom import Dataset, dcmread


def test_private_groups_overlays_curves_icons_and_padding_are_gone_at_any_depth(tmp_path: Path) -> None:
    write_enhanced(tmp_path / "in")
    (outcome,) = deidentify_all(tmp_path / "in", tmp_path / "out")
    tags = [element.tag for element in dcmread(outcome.written).iterall()]
    assert (0x5200, 0x9230) in tags
    assert not [
        tag
        for tag in tags
        if tag.is_private or 0x5000 <= tag.group < 0x5100 or 0x6000 <= tag.group < 0x6100 or tag.group > 0x7FE0
    ]
    assert (0x0088, 0x0200) not in tags


def test_a_text_that_may_stay_is_replaced_where_it_names_the_patient(tmp_path: Path) -> None:
    def edit(dataset: Dataset) -> None:
        dataset.Manufacturer = "Zabinsky Imaging"
        dataset.SequenceName = "zq-77123"
        dataset.ManufacturerModelName = "Magnet 3"

    result = result_of(tmp_path, edit)
    assert (result.Manufacturer, result.SequenceName, result.ManufacturerModelName) == (
        "REMOVED",
        "REMOVED",
        "Magnet 3",
    )


def test_local_codes_lose_their_meaning_and_public_ones_keep_it(tmp_path: Path) -> None:
    def edit(dataset: Dataset) -> None:
        local = Dataset()
        local.CodeValue, local.CodingSchemeDesignator, local.CodeMeaning = "17", "99HOSP", "her left knee"
        dataset.PrimaryAnatomicStructureSequence = [local]

    result = result_of(tmp_path, edit)
    assert result.AnatomicRegionSequence[0].CodeMeaning == "Brain"
    assert result.PrimaryAnatomicStructureSequence[0].CodeMeaning == "REMOVED"


def test_attributes_that_recognise_a_channel_stay_and_free_text_does_not(tmp_path: Path) -> None:
    _, source, result = deidentify_one(tmp_path)
    assert result is not None
    kept = ("RepetitionTime", "EchoTime", "FlipAngle", "ScanningSequence", "SequenceVariant", "ImageType", "Modality")
    for keyword in (*kept, "MagneticFieldStrength", "BodyPartExamined", "PatientPosition", "ImagePositionPatient"):
        assert result[keyword].value == source[keyword].value
    assert result.ContrastBolusAgent == "YES"
    for keyword in (
        "SeriesDescription",
        "ProtocolName",
        "StudyDescription",
        "PatientAge",
        "PatientWeight",
        "StationName",
    ):
        assert keyword not in result


def test_descriptions_stay_on_demand_unless_they_name_the_patient(tmp_path: Path) -> None:
    result = result_of(tmp_path, keep_descriptions=True)
    assert result.SeriesDescription == "T1 TSE"
    assert "StudyDescription" not in result
    codes = [item.CodeValue for item in result.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113105"]
    result = result_of(
        tmp_path / "named", lambda one: setattr(one, "SeriesDescription", "T1 QUIRINUS"), keep_descriptions=True
    )
    assert result.SeriesDescription == "REMOVED"


def test_the_object_says_that_it_was_deidentified_and_what_must_be_there_is_empty(tmp_path: Path) -> None:
    result = result_of(tmp_path)
    assert result.PatientIdentityRemoved == "YES"
    assert result.LongitudinalTemporalInformationModified == "REMOVED"
    assert result.DeidentificationMethod
    assert [item.CodeValue for item in result.DeidentificationMethodCodeSequence] == ["113100"]
    for keyword in ("PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "AccessionNumber", "StudyID"):
        assert keyword in result
        assert not result[keyword].value
