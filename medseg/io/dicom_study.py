"""Who a study is of: the words that must not leave DICOM, and the name a study has instead."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress

from pydicom import Dataset
from pydicom import Sequence as DatasetSequence
from pydicom.multival import MultiValue

from medseg.io.dicom_series import Series

# PS3.15 E.1 attributes that name a person, a visit or a day. Names and ids are searched for in every text that is
# written; a short value such as a patient id of "1" cannot be, see ``medseg.core.redact``.
_KEYWORDS = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientAddress", "PatientMotherBirthName", "OtherPatientIDs"),
    *("OtherPatientNames", "PatientTelephoneNumbers", "IssuerOfPatientID", "MilitaryRank", "MedicalRecordLocator"),
    *("AccessionNumber", "StudyID", "AdmissionID", "RequestedProcedureID", "ScheduledProcedureStepID"),
    *("PerformedProcedureStepID", "FillerOrderNumberImagingServiceRequest", "PlacerOrderNumberImagingServiceRequest"),
    *("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate", "InstanceCreationDate", "AcquisitionDateTime"),
    *("PerformedProcedureStepStartDate", "ReferringPhysicianName", "PerformingPhysicianName", "OperatorsName"),
    *("NameOfPhysiciansReadingStudy", "PhysiciansOfRecord", "RequestingPhysician", "InstitutionName"),
    *("InstitutionAddress", "StationName", "DeviceSerialNumber"),
)
# Their items hold further numbers of the patient and of the order.
_SEQUENCES = ("OtherPatientIDsSequence", "RequestAttributesSequence", "ReferencedRequestSequence")


def study_name(study_uid: str) -> str:
    """Name of a study in files and messages: the same for the same StudyInstanceUID, and no way back to it."""
    return f"study-{hashlib.sha256(study_uid.encode()).hexdigest()[:10]}"


def study_key(series: Series) -> str:
    """What tells a study from others: its StudyInstanceUID.

    Without one, the first there is of frame of reference, series and folder: two patients' scans must never become one
    study, so what may belong together is rather taken apart.
    """
    stated = (series.study_uid, _text(series.header, "FrameOfReferenceUID"), series.uid)
    return next((uid for uid in stated if uid), str(series.slices[0].path.parent.resolve()))


def identity_words(series: Sequence[Series]) -> tuple[str, ...]:
    """Every value in the headers that names a person, a visit or a day, each once."""
    return tuple(dict.fromkeys(word for one in series for word in _words(one)))


def _words(series: Series) -> Iterator[str]:
    if series.study_uid:  # a series' UID is what the user must give where two have one number
        yield series.study_uid
    for header in _distinct(series):
        for place in (header, *_items(header)):
            for keyword in _KEYWORDS:
                yield from (word for word in _text(place, keyword).split("\\") if word)


def _items(header: Dataset) -> Iterator[Dataset]:
    for keyword in _SEQUENCES:
        with suppress(Exception):  # pydicom raises almost anything on damaged bytes
            found = header.get(keyword)
            yield from found if isinstance(found, DatasetSequence) else ()


def _text(header: Dataset, keyword: str) -> str:
    """Values of an attribute as DICOM writes them; damaged bytes as they are, for a name may stand in them too."""
    try:
        value = header.get(keyword)
    except Exception:  # pydicom converts a value when it is asked for, and raises almost anything on damaged bytes
        value = header.get_item(keyword).value
    if isinstance(value, bytes):
        return value.decode("latin-1").strip(" \0")
    several = value if isinstance(value, MultiValue | list | tuple) else [value]
    return "\\".join(str(one) for one in several if one is not None)


def _distinct(series: Series) -> Iterator[Dataset]:
    seen = set()
    for one in series.slices:
        if one.path not in seen:
            seen.add(one.path)
            yield one.header
