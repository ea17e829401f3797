"""A study is told from others without guessing, and its identity is found where headers are damaged too."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from medseg.io.dicom_study import identity_words, study_key, study_name

Make = Callable[..., Any]


def test_a_study_goes_by_its_uid(series: Make) -> None:
    assert study_key(series(study="1.2.7", FrameOfReferenceUID="1.2.8", uid="1.2.9")) == "1.2.7"


def test_without_a_uid_a_study_goes_by_its_frame_of_reference_its_series_and_its_folder(series: Make) -> None:
    assert study_key(series(study="", FrameOfReferenceUID="1.2.8", uid="1.2.9")) == "1.2.8"
    nameless = series(study="", FrameOfReferenceUID="", uid="1.2.9")
    assert study_key(nameless) == "1.2.9"
    here = replace(nameless, uid="", slices=tuple(replace(one, path=Path("a") / one.path) for one in nameless.slices))
    there = replace(here, slices=tuple(replace(one, path=Path("b") / one.path.name) for one in here.slices))
    assert study_key(here) != study_key(there)


def test_the_name_of_a_study_does_not_show_its_uid() -> None:
    assert study_name("1.2.7") != study_name("1.2.8")
    assert "1.2.7" not in study_name("1.2.7")


def test_every_value_of_an_attribute_is_a_word_once(series: Make) -> None:
    one = series(PatientName="Dumbledore^Albus", OtherPatientIDs=["HOG-1", "HOG-2"], StudyID="")
    assert identity_words([one, one]) == ("1.2", "Dumbledore^Albus", "HOG-1", "HOG-2")


def test_numbers_of_other_systems_and_orders_are_words_too(series: Make) -> None:
    other, order = Dataset(), Dataset()
    other.PatientID, order.AccessionNumber = "OLD-99123", "ACC77441"
    one = series(OtherPatientIDsSequence=[other], RequestAttributesSequence=[order])
    assert identity_words([one]) == ("1.2", "OLD-99123", "ACC77441")


def test_a_damaged_sequence_hides_no_other_word(series: Make) -> None:
    one = series(PatientID="HOG-1")
    for vr, keyword in (("US", "OtherPatientIDsSequence"), ("LO", "RequestAttributesSequence")):
        one.header[Tag(keyword)] = RawDataElement(Tag(keyword), vr, 3, b"123", 0, False, True)
    assert identity_words([one]) == ("1.2", "HOG-1")


@pytest.mark.parametrize("vr", ["US", "FD", "XX", "OB"])
def test_a_name_in_a_damaged_attribute_is_a_word_all_the_same(vr: str, series: Make) -> None:
    one = series()
    tag = Tag("PatientName")
    one.header[tag] = RawDataElement(tag, vr, 17, b"Dumbledore^Albus ", 0, False, True)
    assert "Dumbledore^Albus" in [word.strip() for word in identity_words([one])]


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientID", "QX-77123"),
        ("PatientBirthDate", "19311124"),
        ("StudyDate", "19870623"),
        ("AccessionNumber", "ACC90210"),
        ("ReferringPhysicianName", "Who^Doctor"),
        ("InstitutionName", "General Hospital"),
        ("AcquisitionDateTime", "20240102030405"),
        ("DeviceSerialNumber", "4711"),
    ],
)
def test_each_word_that_tells_who_or_when_is_found(series: Make, keyword: str, value: str) -> None:
    assert identity_words([series(**{keyword: value})]) == ("1.2", value)


def test_words_of_all_series_are_found_once(series: Make) -> None:
    first, second = series(PatientID="one"), series(PatientID="one", OperatorsName=["X^A", "Y^B"], study="1.9")
    assert identity_words([first, second]) == ("1.2", "one", "1.9", "X^A", "Y^B")


def test_nothing_is_found_in_nothing(series: Make) -> None:
    assert identity_words([]) == ()
    assert identity_words([series(EchoTime="4", study="")]) == ()
