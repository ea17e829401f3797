"""The allow-list itself: real attributes, each once, and none that the Basic Profile takes away."""

from collections import Counter

import pytest
from pydicom.datadict import dictionary_VR, tag_for_keyword

from medseg.io.dicom_profile import (
    ALLOWED,
    ALWAYS_EMPTY,
    CONSTANTS,
    DESCRIPTIONS,
    DUMMIES,
    EMPTY_IF_PRESENT,
    KEPT,
)

# What PS3.15 table E.1-1 removes or empties (X, Z) and a longer list would be tempted to keep.
_REMOVED = (
    *("PatientAge", "PatientWeight", "PatientSize", "PatientSex", "SeriesDescription", "StudyDescription"),
    *("ProtocolName", "ImageComments", "FrameComments", "DerivationDescription", "AcquisitionTime", "StationName"),
    *("AcquisitionDeviceProcessingDescription", "AcquisitionContextSequence", "RadiopharmaceuticalStartTime"),
    *("InstitutionName", "DeviceSerialNumber", "DetectorID", "GantryID", "RequestAttributesSequence", "PatientState"),
    *("PerformedProcedureStepDescription", "ContributingEquipmentSequence", "OriginalAttributesSequence"),
    *("ReferencedStudySequence", "ReferencedPerformedProcedureStepSequence", "ReferencedPatientSequence"),
    *("IconImageSequence", "ContentSequence", "DigitalSignaturesSequence", "EncapsulatedDocument", "TrackingID"),
)


def test_every_keyword_is_an_attribute_and_stands_once() -> None:
    counts = Counter(word for words in KEPT.values() for word in words.split())
    assert [word for word in counts if tag_for_keyword(word) is None] == []
    assert [word for word, count in counts.items() if count > 1] == []


def test_no_name_date_time_or_long_text_is_allowed() -> None:
    kinds = {dictionary_VR(word) for word in ALLOWED | DESCRIPTIONS}
    assert kinds.isdisjoint({"PN", "DA", "TM", "DT", "AS", "LT", "ST", "UT", "AE", "UR", "UN"})


@pytest.mark.parametrize("keyword", _REMOVED)
def test_what_the_basic_profile_removes_is_not_allowed(keyword: str) -> None:
    assert tag_for_keyword(keyword) is not None
    assert keyword not in ALLOWED


def test_the_tables_do_not_contradict_one_another() -> None:
    special = [*ALWAYS_EMPTY, *EMPTY_IF_PRESENT, *DUMMIES]
    assert len(special) == len(set(special))
    assert ALLOWED.isdisjoint(special)
    assert ALLOWED.isdisjoint(DESCRIPTIONS)
    assert set(CONSTANTS) <= ALLOWED
