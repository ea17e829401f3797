"""What is not written: images whose pixels may name someone, and objects that are mostly text."""

from __future__ import annotations

from pathlib import Path

import pytest
from dicom_planted import deidentify_one
from pydicom import Dataset


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"BurnedInAnnotation": "YES"}, "BurnedInAnnotation is YES"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.6.1", "Modality": "US"}, "ultrasound"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7", "ImagePositionPatient": None}, "secondary capture"),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, "page of text"),
        ({"SamplesPerPixel": 3, "BitsAllocated": 8, "PhotometricInterpretation": "RGB", "Rows": 6}, "colour"),
    ],
)
def test_images_that_may_show_text_are_written_on_demand_alone(
    attributes: dict[str, object], reason: str, tmp_path: Path
) -> None:
    def edit(dataset: Dataset) -> None:
        for keyword, value in attributes.items():
            setattr(dataset, keyword, value)

    outcome, _, _ = deidentify_one(tmp_path / "left", edit)
    assert (outcome.state, outcome.code) == ("left_out", "burned_in")
    assert reason in outcome.reason
    outcome, _, _ = deidentify_one(tmp_path / "allowed", edit, allow_burned_in=True)
    assert outcome.state == "written"
    assert reason in outcome.burned_in


def test_an_overlay_in_spare_bits_of_the_pixels_counts_as_burned_in(tmp_path: Path) -> None:
    def edit(dataset: Dataset) -> None:
        del dataset[0x60003000]

    outcome, _, _ = deidentify_one(tmp_path, edit)
    assert outcome.code == "burned_in"


@pytest.mark.parametrize(
    ("sop_class", "modality"),
    [
        ("1.2.840.10008.5.1.4.1.1.88.33", "SR"),
        ("1.2.840.10008.5.1.4.1.1.481.3", "RTSTRUCT"),
        ("1.2.840.10008.5.1.4.1.1.104.1", "DOC"),
        ("1.2.840.10008.5.1.4.1.1.1.1", "DX"),
        ("1.2.840.10008.5.1.4.1.1.20", "NM"),
    ],
)
def test_other_objects_are_left_out(sop_class: str, modality: str, tmp_path: Path) -> None:
    def edit(dataset: Dataset) -> None:
        dataset.SOPClassUID, dataset.Modality = sop_class, modality

    outcome, _, _ = deidentify_one(tmp_path, edit)
    assert outcome.state == "left_out"
    assert "only CT, MR, PET and SEG" in outcome.reason


def test_heads_in_thin_slices_are_pointed_out(tmp_path: Path) -> None:
    assert deidentify_one(tmp_path / "thin")[0].face
    assert not deidentify_one(tmp_path / "thick", lambda one: setattr(one, "SliceThickness", "5"))[0].face

    def knee(dataset: Dataset) -> None:
        dataset.BodyPartExamined, dataset.ProtocolName, dataset.StudyDescription = "KNEE", "", ""

    assert not deidentify_one(tmp_path / "knee", knee)[0].face
