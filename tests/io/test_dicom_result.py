"""What a result takes from its source: its moment, its patient, its character set."""

import copy
import dataclasses
from pathlib import Path

import pytest
from dicom_results import small_series
from pydicom import Dataset

from medseg.io.dicom_result import (
    UNKNOWN_MOMENT,
    character_set,
    moment_of,
    patient_and_study,
    references_to,
    result_number,
    short,
)


def test_the_moment_is_the_latest_acquisition_then_what_else_is_stated(tmp_path: Path) -> None:
    series = small_series(tmp_path, StudyDate="20200102", StudyTime="030405")
    assert moment_of(series) == ("20200102", "030405")
    for n, one in enumerate(series.slices):
        one.header.AcquisitionDate, one.header.AcquisitionTime = "20200103", f"0{n}0000.5"
    assert moment_of(series) == ("20200103", "060000.5")


@pytest.mark.parametrize(("date", "time"), [("", ""), ("2020-01-02", "120000"), ("20201340", "120000")])
def test_a_moment_that_is_no_date_is_none(tmp_path: Path, date: str, time: str) -> None:
    series = small_series(tmp_path)
    for one in series.slices:
        one.header.StudyDate, one.header.StudyTime = date, time
    assert moment_of(series) == UNKNOWN_MOMENT


def test_a_time_that_is_none_becomes_midnight(tmp_path: Path) -> None:
    series = small_series(tmp_path)
    for one in series.slices:
        one.header.StudyDate, one.header.StudyTime = "20200102", "25:00"
    assert moment_of(series) == ("20200102", "000000")


def test_malformed_identity_becomes_empty_and_the_source_stays_as_it_is(tmp_path: Path) -> None:
    series = small_series(tmp_path)
    series.header.PatientSex, series.header.StudyDate = "unknown", "2020-01-02"
    del series.header.PatientName
    before = copy.deepcopy(series.header)
    found = patient_and_study(series)
    assert (found.PatientSex, found.StudyDate, str(found.PatientName)) == ("", "", "")
    found.PatientID = "changed"
    assert series.header == before


def test_each_instance_is_referenced_once_however_many_frames_it_has(tmp_path: Path) -> None:
    series = small_series(tmp_path)
    one = series.slices[0]
    framed = dataclasses.replace(series, slices=tuple(dataclasses.replace(one, frame=n) for n in range(4)))
    assert [item.ReferencedSOPInstanceUID for item in references_to(framed)] == [one.header.SOPInstanceUID]


@pytest.mark.parametrize(("number", "expected"), [(7, 791), (None, 9091), (0, 9091), (10**8, 9091)])
def test_a_result_is_numbered_after_its_source(tmp_path: Path, number: int | None, expected: int) -> None:
    assert result_number(dataclasses.replace(small_series(tmp_path), number=number), 91) == expected


def test_texts_are_cut_to_what_an_attribute_holds() -> None:
    assert short("a\\b  c\n" + "x" * 100) == "a/b c " + "x" * 58


@pytest.mark.parametrize(
    ("original", "text", "expected"),
    [
        ("ISO_IR 100", "edema", "ISO_IR 100"),
        ("ISO_IR 100", "Ödem", "ISO_IR 100"),
        ("ISO_IR 100", "отёк", "ISO_IR 192"),
        ("ISO_IR 144", "отёк", "ISO_IR 144"),
        (None, "edema", None),
        (None, "Ödem", "ISO_IR 192"),
        (["", "ISO 2022 IR 87"], "edema", ["", "ISO 2022 IR 87"]),
        (["", "ISO 2022 IR 87"], "Ödem", "ISO_IR 192"),
    ],
)
def test_the_character_set_is_kept_unless_our_own_words_do_not_fit(
    original: str | list[str] | None, text: str, expected: str | list[str] | None
) -> None:
    header = Dataset()
    if original is not None:
        header.SpecificCharacterSet = original
    assert character_set(header, [text]) == expected
