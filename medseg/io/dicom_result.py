"""What every DICOM result takes from its source (patient, study, moment, references) and says of its maker."""

from __future__ import annotations

import copy
import datetime
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from pydicom import Dataset
from pydicom.charset import convert_encodings

from medseg.io.dicom_series import Series

RESEARCH_USE = "research use only"
UNKNOWN_MOMENT = ("19000101", "000000")  # the objects must have a date; no scan was taken on this one
_UTF_8 = "ISO_IR 192"
_TEXT_LENGTH = 64  # VR LO
# The groups of patient, study, clinical trial, equipment and acquisition; geometry and pixels are told anew.
_COPIED_GROUPS = {0x0008, 0x0010, 0x0012, 0x0018, 0x0032, 0x0038, 0x0040}
_TYPE_2 = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber"),
    *("StudyID", "StudyDate", "StudyTime", "ReferringPhysicianName"),
)
_MOMENTS = ("Acquisition", "Content", "Series", "Study")  # each with Date and Time
_TIME = re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?")


@dataclass(frozen=True)
class Algorithm:
    """What made a result, as DICOM objects name it.

    Attributes:
        name: Of the bundle, for example "brats_unet3d"; at most 64 characters, as all that follow.
        version: Of the bundle.
        digest: SHA-256 of the bundle in hexadecimal.
        software_version: Of medseg.
        manufacturer: Who answers for the software.
        parts: What it is made of, where that is more than one bundle: name and value; of any length.
    """

    name: str
    version: str
    digest: str
    software_version: str
    manufacturer: str = "medseg"
    parts: tuple[tuple[str, str], ...] = ()

    @property
    def sentence(self) -> str:
        """Bundle, digest and intended use."""
        return f"{self.name} {self.version}, bundle sha256 {self.digest}, {RESEARCH_USE}"

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What two results of one input must share to be the same result."""
        return self.name, self.version, self.digest, self.software_version


@dataclass(frozen=True)
class Segment:
    """One segment of a written SEG.

    Attributes:
        number: SegmentNumber, from 1.
        value: Of the label map.
        name: Of the label; also its tracking identifier.
        tracking_uid: Shared by the segment and its measurements.
    """

    number: int
    value: int
    name: str
    tracking_uid: str


@dataclass(frozen=True)
class SegFacts:
    """What others must know of a written SEG.

    Attributes:
        sop_class_uid: Segmentation, or label map segmentation.
        sop_instance_uid: Of the SEG.
        series_uid: Of the SEG.
        segments: In order of their number.
    """

    sop_class_uid: str
    sop_instance_uid: str
    series_uid: str
    segments: tuple[Segment, ...]

    def number_of(self, value: int) -> int | None:
        """Segment of a label map value; None where it has none."""
        return next((one.number for one in self.segments if one.value == value), None)


def patient_and_study(series: Series) -> Dataset:
    """Patient, study, equipment and acquisition of the first image; what is absent or malformed becomes empty."""
    header, found = series.header, Dataset()
    for tag in header.keys():  # noqa: SIM118  (a Dataset iterates over elements, and converting one may fail)
        if tag.group in _COPIED_GROUPS:
            with suppress(Exception):  # pydicom raises almost anything on damaged values
                found.add(copy.copy(header[tag]))  # setting a value changes an element in place
    for keyword in _TYPE_2:
        if found.get(keyword) is None or not _is_well_formed(keyword, str(found.get(keyword))):
            setattr(found, keyword, "")
    found.StudyInstanceUID = series.study_uid
    found.StudyID = str(header.get("StudyID") or "")
    return found


def references_to(series: Series) -> list[Dataset]:
    """One item per source instance: its class and UID; the order of k."""
    items: dict[str, Dataset] = {}
    for one in series.slices:
        item = Dataset()
        item.ReferencedSOPClassUID = one.header.SOPClassUID
        item.ReferencedSOPInstanceUID = one.header.SOPInstanceUID
        items.setdefault(str(one.header.SOPInstanceUID), item)
    return list(items.values())


def moment_of(series: Series) -> tuple[str, str]:
    """Date and time of a result: the latest moment of acquisition that its source states.

    Else of its content, its series, its study; ``UNKNOWN_MOMENT`` where there is none. A result carries the moment of
    its source, not of the computation, so that computing it again gives the same bytes, a PACS lists it beside its
    source, and nothing later than the study appears in a study. When it was computed stands in ``run.json``.
    """
    headers = list({id(one.header): one.header for one in series.slices}.values())
    for kind in _MOMENTS:
        stated = [_stated(header, kind) for header in headers]
        if known := [one for one in stated if one]:
            return max(known)
    return UNKNOWN_MOMENT


def result_number(series: Series, place: int) -> int:
    """SeriesNumber of a result: that of the source times 100 plus ``place``, or 9000 plus ``place``."""
    number = series.number or 0
    return 100 * number + place if 0 < number < 10**7 else 9000 + place


def short(text: str, length: int = _TEXT_LENGTH) -> str:
    """Text cut to what an attribute holds, without the backslash that separates values."""
    return " ".join(text.replace("\\", "/").split())[:length]


def character_set(header: Dataset, texts: Iterable[str]) -> str | list[str] | None:
    """SpecificCharacterSet of a result: that of its source, or UTF-8 where texts of our own do not fit into it."""
    original = header.get("SpecificCharacterSet") or None
    foreign = [text for text in texts if not text.isascii()]
    if not foreign:
        return original if original is None or isinstance(original, str) else list(original)
    if isinstance(original, str):
        with suppress(UnicodeEncodeError, LookupError):
            codec = convert_encodings(original)[0]
            for text in foreign:
                text.encode(codec)
            return original
    return _UTF_8


def _stated(header: Dataset, kind: str) -> tuple[str, str] | None:
    date, time = str(header.get(f"{kind}Date") or ""), str(header.get(f"{kind}Time") or "").strip()
    if not date or not _is_well_formed("Date", date):
        return None
    return date, time if _is_well_formed("Time", time) and time else "000000"


def _is_well_formed(keyword: str, value: str) -> bool:
    if not value:
        return True
    if keyword.endswith("Date"):
        try:
            return len(value) == 8 and bool(datetime.datetime.strptime(value, "%Y%m%d"))
        except ValueError:
            return False
    if keyword.endswith("Time"):
        return _TIME.fullmatch(value.strip()) is not None
    return keyword != "PatientSex" or value in ("M", "F", "O")
