"""What is an acquired scan, and what only looks like one."""

import re

import pytest
from pydicom import DataElement, Dataset

from medseg.io.dicom_kind import RESULTS, SCANS, is_derived_class, is_image, kind_fault

MR, CT, SC = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.7"
PLACE = {
    "ImagePositionPatient": [0, 0, 0],
    "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
    "PixelSpacing": [1, 1],
}


def image(**values: object) -> Dataset:
    made = Dataset()
    plain = {"SOPClassUID": MR, "Modality": "MR", "Rows": 4, "Columns": 5, "SamplesPerPixel": 1, "BitsAllocated": 16}
    for keyword, value in {**plain, "PhotometricInterpretation": "MONOCHROME2", **values}.items():
        if value is not None:
            setattr(made, keyword, value)
    return made


def code(dataset: Dataset) -> str | None:
    fault = kind_fault(dataset, "series 1")
    return fault.code if fault else None


@pytest.mark.parametrize("uid", SCANS)
@pytest.mark.parametrize("modality", ["CT", "MR", "PT", "NM"])
def test_every_class_of_scans_is_one(uid: str, modality: str) -> None:
    assert code(image(SOPClassUID=uid, Modality=modality)) is None


@pytest.mark.parametrize("modality", sorted(RESULTS))
def test_a_result_is_no_image_whatever_else_it_holds(modality: str) -> None:
    assert not is_image(image(Modality=modality))
    assert code(image(Modality=modality)) == "result_object"


def test_an_object_without_rows_is_no_image() -> None:
    assert code(image(Rows=None)) == "result_object"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "colour"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "colour"),
        ({"PhotometricInterpretation": "MONOCHROME1"}, None),
        ({"PhotometricInterpretation": None, "SamplesPerPixel": None}, None),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1", "Modality": "CR"}, "not_a_scan"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.6.1", "Modality": "US"}, "not_a_scan"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1"}, "not_a_scan"),
        ({"Modality": ""}, "not_a_scan"),
        ({"SOPClassUID": ""}, None),
        ({"SOPClassUID": SC}, "secondary_capture"),
        ({"SOPClassUID": f"{SC}.2"}, "secondary_capture"),
        ({"SOPClassUID": SC, **PLACE}, None),
        ({"SOPClassUID": SC, **PLACE, "PixelSpacing": [1]}, "secondary_capture"),
        ({"SOPClassUID": SC, **PLACE, "Modality": "OT"}, "secondary_capture"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizer"),
        ({"ImageType": ["derived", "primary", "scout"]}, "localizer"),
        ({"ImageType": "LOCALIZER"}, "localizer"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]}, "mosaic"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "VFRAME"]}, "mosaic"),
        ({"ImageType": None}, None),
        ({"NumberOfFrames": 1}, None),
        ({"NumberOfFrames": 2}, "position_absent"),
        ({"NumberOfFrames": 2, "PerFrameFunctionalGroupsSequence": []}, "position_absent"),
        ({"NumberOfFrames": 2, "PerFrameFunctionalGroupsSequence": [Dataset()]}, "position_absent"),
        ({"NumberOfFrames": 2, "PerFrameFunctionalGroupsSequence": [Dataset()] * 3}, "position_absent"),
        ({"NumberOfFrames": 2, "PerFrameFunctionalGroupsSequence": [Dataset()] * 2}, None),
        ({"PerFrameFunctionalGroupsSequence": [Dataset()]}, None),
    ],
)
def test_each_kind_is_told_by_its_attributes(values: dict, expected: str | None) -> None:
    assert code(image(**values)) == expected


@pytest.mark.parametrize("vr", ["US", "UN"])
@pytest.mark.parametrize("tag", [0x0019100A, 0x00651050])
@pytest.mark.parametrize(("count", "expected"), [(36, "mosaic"), (1, None)])
def test_a_private_count_of_tiles_tells_a_mosaic(vr: str, tag: int, count: int, expected: str | None) -> None:
    one = image()
    one.add(DataElement(tag, vr, count if vr == "US" else count.to_bytes(2, "little")))
    assert code(one) == expected


@pytest.mark.parametrize(
    "keyword", ["Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"]
)
@pytest.mark.parametrize(
    ("vr", "value"),
    [("US", [1, 2]), ("DS", "1.5"), ("FD", float("nan")), ("LO", "text"), ("OB", b"\0\xff"), ("UI", "1")],
)
def test_a_number_that_is_none_is_unreadable(keyword: str, vr: str, value: object) -> None:
    one = image()
    one.add(DataElement(keyword, vr, value))
    fault = kind_fault(one, "series 1")
    assert fault.code == "unreadable"
    assert re.match(f"series 1: {keyword} is not one whole number", fault.sentence)


def test_secondary_captures_of_all_classes_are_known() -> None:
    assert [is_derived_class(image(SOPClassUID=uid)) for uid in (SC, f"{SC}.3", CT, "")] == [True, True, False, False]
