from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, Sequence
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from medseg.core.series_rules import DERIVED, Condition
from medseg.io.dicom import find_series
from medseg.io.dicom_attributes import attribute_of, keyword_fault, keyword_faults

Make = Callable[..., Any]


def _enhanced(make: Make) -> Any:
    """Two frames of one enhanced object, without ScanningSequence, EchoTime and InversionTime at the top."""
    timing, modifier = Dataset(), Dataset()
    timing.RepetitionTime = 9000.0
    modifier.InversionRecovery, modifier.InversionTimes = "YES", [2500.0]
    shared, agent = Dataset(), Dataset()
    shared.MRTimingAndRelatedParametersSequence = Sequence([timing])
    shared.MRModifierSequence = Sequence([modifier])
    agent.CodeMeaning = "Gadoterate"
    frames = []
    for echo_ms in (90.0, 95.0):
        echo, frame = Dataset(), Dataset()
        echo.EffectiveEchoTime = echo_ms
        frame.MREchoSequence = Sequence([echo])
        frames.append(frame)
    one = make(
        SharedFunctionalGroupsSequence=Sequence([shared]),
        PerFrameFunctionalGroupsSequence=Sequence(frames),
        ContrastBolusAgentSequence=Sequence([agent]),
        EchoPulseSequence="SPIN",
    )
    return replace(one, slices=tuple(replace(one.slices[0], frame=n) for n in (0, 1)))


def test_numbers_come_as_numbers_and_text_without_padding(series: Make) -> None:
    one = series(RepetitionTime="500", EchoTrainLength="13", ContrastBolusAgent=" gadoteric acid ")
    assert attribute_of(one, "RepetitionTime") == (500.0,)
    assert attribute_of(one, "EchoTrainLength") == (13,)
    assert attribute_of(one, "ContrastBolusAgent") == ("gadoteric acid",)


def test_several_values_come_each_once(series: Make) -> None:
    assert attribute_of(series(ScanningSequence=["SE", "IR"]), "ScanningSequence") == ("SE", "IR")


def test_values_of_all_slices_are_joined(series: Make) -> None:
    one, other = series(EchoTime="10"), series(EchoTime="20")
    joined = replace(one, slices=(*one.slices, *other.slices))
    assert attribute_of(joined, "EchoTime") == (10.0, 20.0)


@pytest.mark.parametrize("value", ["", " ", None])
def test_an_empty_attribute_is_absent(series: Make, value: str | None) -> None:
    assert attribute_of(series(ContrastBolusAgent=value), "ContrastBolusAgent") == ()
    assert attribute_of(series(), "ContrastBolusAgent") == ()


@pytest.mark.filterwarnings("ignore:Value .* is not valid")
def test_a_number_that_cannot_be_read_lies_in_no_range(series: Make) -> None:
    one, tag = series(), Tag("EchoTime")
    one.header[tag] = RawDataElement(tag, "DS", 4, b"fast", 0, False, True)
    values = attribute_of(one, "EchoTime")
    assert not Condition("EchoTime", "range", (None, 1e9)).holds(values)


@pytest.mark.parametrize("vr", ["US", "FD", "SQ", "LO", "XX"])
@pytest.mark.parametrize(
    ("keyword", "asked"),
    [
        ("ScanningSequence", "ScanningSequence"),
        ("SharedFunctionalGroupsSequence", "EchoTime"),
        ("ContrastBolusAgentSequence", "ContrastBolusAgent"),
    ],
)
def test_bytes_of_another_type_say_nothing(keyword: str, asked: str, vr: str, series: Make) -> None:
    one = series()
    one.header[Tag(keyword)] = RawDataElement(Tag(keyword), vr, 3, b"\1\2\3", 0, False, True)
    found = attribute_of(one, asked)
    assert found == () or (keyword == asked and vr == "LO")  # text of another kind of text is text


def test_an_enhanced_object_is_asked_by_the_classic_names(series: Make) -> None:
    one = _enhanced(series)
    assert attribute_of(one, "RepetitionTime") == (9000.0,)
    assert attribute_of(one, "EchoTime") == (90.0, 95.0)
    assert attribute_of(one, "InversionTime") == (2500.0,)
    assert attribute_of(one, "ScanningSequence") == ("SE", "IR")
    assert attribute_of(one, "ContrastBolusAgent") == ("Gadoterate",)


def test_what_an_enhanced_object_says_of_other_images_does_not_count(series: Make) -> None:
    one = _enhanced(series)
    other = Dataset()
    other.FlipAngle = 90.0
    one.header.SharedFunctionalGroupsSequence[0].ReferencedImageSequence = Sequence([other])
    assert attribute_of(one, "FlipAngle") == ()


@pytest.mark.parametrize(("plane", "world"), [("axial", (0, 1, 2)), ("coronal", (0, 2, 1)), ("sagittal", (1, 2, 0))])
def test_the_plane_is_the_nearest_to_the_slices(series: Make, plane: str, world: tuple[int, int, int]) -> None:
    affine = np.eye(4)  # world: the patient axis that i, j and k follow; slices are stacked along k
    affine[:3, :3] = np.eye(3)[:, list(world)] * 0.98 + 0.02  # a few degrees oblique
    assert attribute_of(series(affine=affine), "SlicePlane") == (plane,)


def test_slices_and_their_spacing_come_from_positions(series: Make) -> None:
    one = series(shape=(8, 8, 22), affine=np.diag([0.5, 0.5, 6.5, 1]), SliceThickness="5", SpacingBetweenSlices="99")
    assert attribute_of(one, "Slices") == (22,)
    assert attribute_of(one, "SliceSpacingMm") == (6.5,)


def test_a_refused_series_without_a_grid_has_no_plane(series: Make) -> None:
    one = replace(series(shape=(8, 8, 5)), affine_ras=None, shape=None)
    assert [attribute_of(one, name) for name in DERIVED] == [(), (5,), ()]


@pytest.mark.parametrize(
    "keyword", ["EchoTime", "SeriesDescription", "ImageType", "Modality", "MRAcquisitionType", *DERIVED]
)
def test_a_rule_may_ask_for_acquisition_and_image(keyword: str) -> None:
    assert keyword_fault(keyword) is None


@pytest.mark.parametrize(
    "keyword",
    [
        "PatientName",
        "PatientID",
        "PatientSex",
        "PatientAge",
        "AccessionNumber",
        "StudyDate",
        "SeriesTime",
        "StudyInstanceUID",
        "InstitutionName",
        "ReferringPhysicianName",
        "ImageComments",
        "StationName",
        "AdmissionID",
        "PixelData",
    ],
)
def test_a_rule_may_not_ask_for_who_when_and_where(keyword: str) -> None:
    assert "rules may ask for acquisition and image alone" in str(keyword_fault(keyword))


def test_an_unknown_keyword_is_named_with_the_nearest() -> None:
    assert keyword_faults(["EchoTime", "EchoTim", "Zzzzzz"]) == [
        "EchoTim: no DICOM keyword; did you mean 'EchoTime'?",
        "Zzzzzz: no DICOM keyword",
    ]


@pytest.mark.realdata
def test_real_enhanced_objects_answer_like_their_classic_twins(real_data: Path) -> None:
    found = find_series(real_data / "dicom" / "mr_enh_xa10_4d").series[0]
    assert attribute_of(found, "ScanningSequence") == ("GR", "EP")  # resting state: gradient echo, echo planar
    assert attribute_of(found, "MRAcquisitionType") == ("2D",)
    assert len(attribute_of(found, "EchoTime")) == len(attribute_of(found, "RepetitionTime")) == 1
