"""A study has a name that tells nothing, and every word that tells who it is of is known."""

from pathlib import Path

import pytest
from pydicom import Dataset

from medseg.core.verdict import Verdict
from medseg.io.dicom_series import Series, Slice
from medseg.io.dicom_study import identity_words, study_name


def series(*headers: Dataset, study: str = "1.2.3") -> Series:
    slices = tuple(Slice(Path(f"{n}.dcm"), None, one, None, None, None, None, None) for n, one in enumerate(headers))
    return Series(study, "1.2.3.4", 1, "", "MR", slices, None, None, Verdict())


def header(**values: object) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def test_a_name_is_the_same_for_the_same_study_and_shows_nothing_of_it() -> None:
    name = study_name("1.2.826.0.1")
    assert name == study_name("1.2.826.0.1") != study_name("1.2.826.0.2")
    assert name.startswith("study-")
    assert len(name) == len("study-") + 10
    assert "826" not in name or not name.endswith("826.0.1")
    assert study_name("").startswith("study-")


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientName", "Zzyzx^Quentin"),
        ("PatientID", "QX-77123"),
        ("PatientBirthDate", "19311124"),
        ("StudyDate", "19870623"),
        ("AccessionNumber", "ACC90210"),
        ("ReferringPhysicianName", "Who^Doctor"),
        ("InstitutionName", "General Hospital"),
        ("AcquisitionDateTime", "20240102030405"),
        ("OperatorsName", "Some^One"),
        ("DeviceSerialNumber", "4711"),
    ],
)
def test_each_word_that_tells_who_or_when_is_found(keyword: str, value: str) -> None:
    assert identity_words([series(header(**{keyword: value}))]) == ("1.2.3", value)


def test_several_values_of_one_attribute_are_words_each() -> None:
    words = identity_words([series(header(OtherPatientIDs=["A-1", "B-2"], OperatorsName=["X^A", "Y^B"]))])
    assert {"A-1", "B-2", "X^A", "Y^B"} <= {*words}


def test_words_of_all_slices_and_series_are_found_once() -> None:
    first = series(header(PatientID="one"), header(PatientID="two"))
    second = series(header(PatientID="two"), header(PatientID=""), study="1.2.9")
    assert identity_words([first, second]) == ("1.2.3", "one", "two", "1.2.9")


def test_nothing_is_found_in_nothing() -> None:
    assert identity_words([]) == ()
    assert identity_words([series(header(Modality="MR", EchoTime="4"), study="")]) == ()
