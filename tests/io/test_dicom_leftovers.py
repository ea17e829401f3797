"""The search for a patient in what was written: what it finds, and what it rightly passes over."""

import io
from pathlib import Path

import pytest
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from medseg.io.dicom_leftovers import Identity, identity_of, what_is_left


def _source(**attributes: object) -> Identity:
    return identity_of(_dataset(**attributes))


def _dataset(**attributes: object) -> Dataset:
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def _file(**attributes: object) -> bytes:
    dataset = _dataset(SOPClassUID=CTImageStorage, SOPInstanceUID="2.25.1", **attributes)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def test_the_identity_is_names_numbers_dates_and_uids() -> None:
    inner = _dataset(RequestedProcedureID="REQ-4711", ReferencedSOPInstanceUID="1.2.3.4.5")
    identity = _source(
        PatientName="Oldershaw^Ann",
        PatientID="77123",
        PatientBirthDate="19570304",
        AcquisitionDateTime="20210917101112.5",
        InstitutionName="Waldfrieden Hospital",
        SOPClassUID=CTImageStorage,
        RequestAttributesSequence=[inner],
    )
    assert set(identity.words) == {
        *("Oldershaw^Ann", "Oldershaw", "77123", "19570304", "20210917", "Waldfrieden Hospital", "REQ-4711"),
    }
    assert identity.uids == {"1.2.3.4.5"}


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ({"PatientName": "Oldershaw^Ann"}, {"ImageComments": "seen by OLDERSHAW"}),
        ({"PatientName": "Oldershaw^Ann"}, {"RequestAttributesSequence": [_dataset(PatientComments="oldershaw")]}),
        ({"PatientName": "Bond^James"}, {"SeriesDescription": "T1_bond"}),
        ({"PatientID": "7712"}, {"SeriesDescription": "T1 7712"}),
        ({"InstitutionName": "Waldfrieden"}, {"Manufacturer": "waldfrieden"}),
        ({"PatientName": "Müßigmann"}, {"SpecificCharacterSet": "ISO_IR 100", "SeriesDescription": "Müßigmann"}),
        ({"StudyDate": "20210917"}, {"SeriesDescription": "brain 20210917"}),
        ({"StudyDate": "20210917"}, {"SeriesDate": "20210917"}),
        ({"SeriesInstanceUID": "1.2.276.0.99"}, {"FrameOfReferenceUID": "1.2.276.0.99"}),
        ({"PatientName": "Oldershaw^Ann"}, {"RedPaletteColorLookupTableData": b"Oldershaw "}),
    ],
)
def test_what_is_left_is_found_by_its_keyword(source: dict[str, object], result: dict[str, object]) -> None:
    left = what_is_left(_file(**result), _source(**source))
    assert left
    assert {*left} <= {*source, *result, "UID"}


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ({"PatientName": "Lips^Gene"}, {"Manufacturer": "Philips", "ManufacturerModelName": "General"}),
        ({"PatientID": "1500"}, {"RepetitionTime": "1500"}),
        ({"PatientName": "HEAD^AXIAL"}, {"BodyPartExamined": "HEAD", "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"]}),
        ({"PatientName": "Li^Bo", "PatientID": "7"}, {"SeriesDescription": "Lift 7 Bowl"}),
        ({"PatientName": "P0123456789AB"}, {"PatientName": "P0123456789AB", "PatientID": "P0123456789AB"}),
        ({"SeriesDate": "19000101"}, {"SeriesDate": "19000101"}),
    ],
)
def test_terms_numbers_and_parts_of_other_words_are_passed_over(
    source: dict[str, object], result: dict[str, object]
) -> None:
    assert what_is_left(_file(**result), _source(**source)) == []


def test_pixels_are_not_searched(tmp_path: Path) -> None:
    pixels = b"Oldershaw "
    content = _file(PixelData=pixels, Rows=1, Columns=10, BitsAllocated=8)
    assert what_is_left(content, _source(PatientName="Oldershaw^Ann")) == []
    assert what_is_left(content + b"Oldershaw", _source(PatientName="Oldershaw^Ann"))


def test_a_private_attribute_is_always_left() -> None:
    dataset = _dataset()
    dataset.private_block(0x0029, "ACME", create=True).add_new(1, "LO", "harmless")
    content = _file(AnatomicRegionSequence=[dataset])
    assert what_is_left(content, _source()) == ["a private attribute"]
