"""Files of one series belong to one patient, study and grid, and none counts twice."""

from pathlib import Path

import pytest
from pydicom import Dataset

from medseg.io.dicom_files import Header
from medseg.io.dicom_sameness import (
    SPACING_RTOL,
    grid_faults,
    identity_faults,
    missing_faults,
    once,
    patient_of,
)
from medseg.io.dicom_series import Slice

PLAIN = {"Rows": 4, "Columns": 6, "PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 16, "Modality": "MR"}


def header(folder: Path, name: str, content: bytes = b"", **values: object) -> Header:
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    (folder / name).write_bytes(content)
    return Header(folder / name, dataset)


def plane(n: int, *, position=(0, 0, 0), cosines=(1, 0, 0, 0, 1, 0), spacing=(0.7, 0.5), **values: object) -> Slice:
    dataset = Dataset()
    for keyword, value in {**PLAIN, **values}.items():
        setattr(dataset, keyword, value)
    return Slice(Path(f"{n}.dcm"), None, dataset, position, cosines, spacing, None, None)


@pytest.mark.parametrize(
    ("keyword", "code"),
    [
        ("PatientID", "patients_mixed"),
        ("PatientName", "patients_mixed"),
        ("StudyInstanceUID", "studies_mixed"),
        ("FrameOfReferenceUID", "frames_of_reference_mixed"),
    ],
)
def test_an_identity_that_differs_is_refused_without_its_value(tmp_path: Path, keyword: str, code: str) -> None:
    values = ("1.2.3", "1.2.4", "")
    headers = [header(tmp_path, value or "none", **({keyword: value} if value else {})) for value in values]
    (fault,) = identity_faults(headers, "series 1")
    assert fault.code == code
    assert "instances of 3" in fault.sentence
    assert "1.2" not in fault.sentence


def test_one_identity_is_none_or_the_same_everywhere(tmp_path: Path) -> None:
    assert list(identity_faults([header(tmp_path, "a"), header(tmp_path, "b", PatientID="")], "series 1")) == []
    same = {"PatientID": "7", "StudyInstanceUID": "1.2", "FrameOfReferenceUID": "1.3"}
    headers = [header(tmp_path, "a", PatientName="A^B", **same), header(tmp_path, "b", PatientName="A^C", **same)]
    assert list(identity_faults(headers, "series 1")) == []  # a name that was corrected; the id counts


def test_a_patient_is_the_id_or_else_the_name_in_any_spelling(tmp_path: Path) -> None:
    assert patient_of(header(tmp_path, "a", PatientID="7", PatientName="A^B")) == "7"
    assert patient_of(header(tmp_path, "a", PatientName="Doe^Jane^^")) == patient_of(
        header(tmp_path, "b", PatientID="", PatientName="DOE^JANE")
    )
    assert patient_of(header(tmp_path, "a")) == ""


def test_a_byte_equal_copy_is_left_out_with_a_warning(tmp_path: Path) -> None:
    headers = [header(tmp_path, name, b"same", SOPInstanceUID="1.2") for name in "abc"]
    kept, refusals, warnings = once(headers, "series 1")
    assert (kept, refusals) == (headers[:1], [])
    assert [one.sentence for one in warnings] == ["series 1: 2 duplicate instances ignored (byte-equal)."]


def test_one_instance_with_two_contents_is_refused(tmp_path: Path) -> None:
    headers = [header(tmp_path, name, name.encode(), SOPInstanceUID="1.2") for name in "ab"]
    _, (refusal,), warnings = once(headers, "series 1")
    assert refusal.code == "instance_twice"
    assert "'a' and 'b'" in refusal.sentence
    assert warnings == []


def test_instances_without_uid_are_compared_by_place(tmp_path: Path) -> None:
    places = ([0, 0, 0], [0, 0, 0], [0, 0, 3], [0, 0, 0])
    headers = [
        header(tmp_path, name, content, ImagePositionPatient=place)
        for name, content, place in zip("abcd", (b"1", b"1", b"1", b"2"), places, strict=True)
    ]
    kept, refusals, warnings = once(headers, "series 1")
    assert [one.path.name for one in kept] == ["a", "c", "d"]  # b is a copy of a; d is not, geometry will say so
    assert (refusals, len(warnings)) == ([], 1)


def test_instances_without_uid_and_place_are_all_kept(tmp_path: Path) -> None:
    headers = [header(tmp_path, name) for name in "ab"]
    assert once(headers, "series 1") == (headers, [], [])


@pytest.mark.parametrize(
    ("option", "code", "keyword"),
    [
        ("position", "position_absent", "ImagePositionPatient"),
        ("cosines", "orientation_absent", "ImageOrientationPatient"),
        ("spacing", "pixel_spacing_absent", "PixelSpacing"),
    ],
)
def test_absent_geometry_is_counted_and_the_first_file_named(option: str, code: str, keyword: str) -> None:
    slices = [plane(0), plane(1, **{option: None}), plane(2, **{option: None})]
    (fault,) = missing_faults(slices, "series 1")
    assert fault.code == code
    assert f"{keyword} missing in 2 of 3 slices, first in '1.dcm'" in fault.sentence


def test_unusable_geometry_is_shown() -> None:
    (fault,) = missing_faults([plane(0, spacing=None, PixelSpacing=["0", "0"])], "series 1")
    assert "PixelSpacing unusable ('[0, 0]')" in fault.sentence


@pytest.mark.parametrize(
    ("values", "code", "says"),
    [
        ({"Rows": 3}, "size_differs", "3x6, the series has 4x6"),
        ({"Columns": 5}, "size_differs", "4x5, the series has 4x6"),
        ({"spacing": (0.7, 0.55)}, "pixel_spacing_differs", "0.7 x 0.55 mm, the series has 0.7 x 0.5 mm"),
        ({"PhotometricInterpretation": "MONOCHROME1"}, "pixel_format_differs", "MONOCHROME1"),
        ({"BitsAllocated": 8}, "pixel_format_differs", "8"),
        ({"Modality": "CT"}, "pixel_format_differs", "CT"),
    ],
)
def test_a_slice_unlike_the_others_is_named(values: dict, code: str, says: str) -> None:
    (fault,) = grid_faults([plane(0, **values), plane(1), plane(2)], "series 1")
    assert fault.code == code
    assert fault.sentence.startswith("series 1: '0.dcm': ")
    assert says in fault.sentence
    assert "1 of 3 slices" in fault.sentence


@pytest.mark.parametrize(("share", "faults"), [(0.99, 0), (1.01, 1)])
def test_pixel_spacing_may_differ_by_its_last_digits(share: float, faults: int) -> None:
    slices = [plane(0), plane(1), plane(2, spacing=(0.7 / (1 - share * SPACING_RTOL), 0.5))]
    assert len(list(grid_faults(slices, "series 1"))) == faults
