"""Who a study is of: the words that must not leave DICOM, and the name a study has instead."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from pydicom import Dataset

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


def study_name(study_uid: str) -> str:
    """Name of a study in files and messages: the same for the same StudyInstanceUID, and no way back to it."""
    return f"study-{hashlib.sha256(study_uid.encode()).hexdigest()[:10]}"


def identity_words(series: Sequence[Series]) -> tuple[str, ...]:
    """Every value in the headers that names a person, a visit or a day, each once."""
    return tuple(dict.fromkeys(word for one in series for word in _words(one)))


def _words(series: Series) -> Iterator[str]:
    if series.study_uid:  # a series' UID is what the user must give where two have one number
        yield series.study_uid
    for header in _distinct(series):
        for keyword in _KEYWORDS:
            value = header.get(keyword)
            for one in [] if value is None else [value] if isinstance(value, str) else _listed(value):
                if str(one):
                    yield str(one)


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) or type(value).__name__ == "MultiValue" else [value]  # type: ignore[call-overload]


def _distinct(series: Series) -> Iterator[Dataset]:
    seen = set()
    for one in series.slices:
        if one.path not in seen:
            seen.add(one.path)
            yield one.header
