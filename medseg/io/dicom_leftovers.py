"""Words that name the patient of a DICOM object, and whether a file still holds one of them."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydicom import Dataset, dcmread
from pydicom.charset import convert_encodings, encode_string
from pydicom.dataelem import DataElement
from pydicom.uid import DeflatedExplicitVRLittleEndian

from medseg.io.dicom_profile import DUMMIES, OWN

SHORTEST = 4  # characters; "Li" or "7" stand in every other word and number
# From here on a word counts wherever its bytes stand; shorter ones only as a whole word of a value.
SHORTEST_INSIDE = 8
_WELL_KNOWN = "1.2.840.10008."
_TEXTS = frozenset({"AE", "LO", "LT", "PN", "SH", "ST", "UC", "UN", "UR", "UT"})
# Numbers and terms: "1500" may be a patient's number and a repetition time, "HEAD" a name and a part of the body.
_NUMBERS_AND_TERMS = frozenset({"CS", "DS", "IS"})
_DATES = frozenset({"DA", "DT"})
_WHOLE = frozenset(
    {
        *("PatientID", "OtherPatientIDs", "IssuerOfPatientID", "PatientAddress", "PatientTelephoneNumbers"),
        *("MedicalRecordLocator", "AdmissionID", "AccessionNumber", "StudyID", "RequestedProcedureID"),
        *("ScheduledProcedureStepID", "PerformedProcedureStepID", "FillerOrderNumberImagingServiceRequest"),
        *("PlacerOrderNumberImagingServiceRequest", "InstitutionName", "InstitutionAddress"),
        *("InstitutionalDepartmentName", "StationName", "DeviceSerialNumber", "DeviceUID"),
    }
)


@dataclass(frozen=True)
class Identity:
    """What must not be found in the result.

    Attributes:
        words: Word to the keyword it stood under; of at least ``SHORTEST`` characters.
        uids: UIDs of the source, but for those DICOM registers.
        encodings: Python codecs of the source's text.
    """

    words: Mapping[str, str]
    uids: frozenset[str]
    encodings: tuple[str, ...]


def identity_of(dataset: Dataset) -> Identity:
    """Names, numbers, dates, institution and UIDs of a source, from any depth, private attributes too."""
    words: dict[str, str] = {}
    uids = set()
    for element in elements_of(dataset):
        if element.VR == "UI":
            uids |= {text for text in _values(element) if text and not text.startswith(_WELL_KNOWN)}
        for word in _words(element):
            if len(word) >= SHORTEST:
                words.setdefault(word, element.keyword or "a private attribute")
    return Identity(words, frozenset(uids), tuple(_encodings(dataset)))


def what_is_left(content: bytes, identity: Identity) -> list[str]:
    """What a written file still holds of its source: keywords, never values; empty where it holds nothing.

    Looks at every value as a reader sees it, and at all bytes outside of the pixels for words of at least
    ``SHORTEST_INSIDE`` characters and UIDs.

    Args:
        content: The file.
        identity: Of its source.

    Raises:
        Exception: Whatever pydicom raises where the file cannot be read; there is no list of it.
    """
    dataset = dcmread(io.BytesIO(content))
    return sorted({*_left_in_values(dataset, identity), *_left_in_bytes(content, dataset, identity)})


def elements_of(dataset: Dataset) -> Iterator[DataElement]:
    """Elements of any depth that can be parsed; sequences themselves and pixels are left out."""
    for tag in list(dataset.keys()):
        if tag.group == 0x7FE0:
            continue
        try:
            element = dataset[tag]
            items = list(element.value or ()) if element.VR == "SQ" else None
        except Exception:  # a damaged value; pydicom raises almost anything on it
            continue
        if items is None:
            yield element
        else:
            for item in items:
                yield from elements_of(item)


def _words(element: DataElement) -> Iterator[str]:
    if element.VR == "PN":
        for name in _values(element):
            yield name
            yield from re.split(r"[\s^=,]+", name)
    elif element.VR in _DATES:
        yield from (text[:8] for text in _values(element) if re.match(r"\d{8}", text))
    elif element.keyword in _WHOLE:
        yield from _values(element)


def _values(element: DataElement) -> list[str]:
    value = element.value
    if isinstance(value, bytes):
        return [value.decode("latin-1").strip(" \0")]
    several = value if element.VM > 1 else [value]
    return [str(one).strip(" \0") for one in several if one is not None]


def _encodings(dataset: Dataset) -> list[str]:
    try:
        return list(convert_encodings(dataset.get("SpecificCharacterSet") or "ISO_IR 6"))
    except Exception:  # an unknown name; UTF-8 and Latin-1 are searched in any case
        return []


def _left_in_values(dataset: Dataset, identity: Identity) -> Iterator[str]:
    meta = getattr(dataset, "file_meta", None)
    found: dict[str, set[str]] = {"text": set(), "uid": set()}
    for element in [*elements_of(dataset), *elements_of(meta or Dataset())]:
        if element.tag.is_private:
            yield "a private attribute"
        elif element.VR in _DATES and any(text not in ("", DUMMIES.get(element.keyword)) for text in _values(element)):
            yield element.keyword
        elif element.VR == "UI":
            found["uid"] |= set(_values(element))
        elif element.VR in _TEXTS and element.keyword not in OWN:
            found["text"] |= {text.casefold() for text in _values(element)} - {
                DUMMIES.get(element.keyword, "").casefold()
            }
    if found["uid"] & identity.uids:
        yield "UID"
    everything = "\n".join(found["text"])
    for word, keyword in identity.words.items():
        if re.search(rf"(?<![^\W_]){re.escape(word.casefold())}(?![^\W_])", everything):
            yield keyword


def _left_in_bytes(content: bytes, dataset: Dataset, identity: Identity) -> Iterator[str]:
    outside = _outside_pixels(content, dataset).lower()
    granted = "\n".join(_granted(dataset)).lower().encode()
    for uid in identity.uids:
        if len(uid) >= SHORTEST_INSIDE and uid.encode() in outside:
            yield "UID"
    for word, keyword in identity.words.items():
        if len(word) < SHORTEST_INSIDE:
            continue
        spellings = {spelling.lower() for spelling in _spellings(word, identity.encodings)}
        if any(outside.count(spelling) > granted.count(spelling) for spelling in spellings):
            yield keyword


def _outside_pixels(content: bytes, dataset: Dataset) -> bytes:
    if dataset.file_meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        # PS3.10 7.1: preamble, magic word and the group length end at 144; the length counts what follows them.
        begin = 144 + int(dataset.file_meta.FileMetaInformationGroupLength)
        content = content[:begin] + zlib.decompress(content[begin:], -zlib.MAX_WBITS)
    pixels = dataset.get("PixelData") or b""
    before, _, after = content.rpartition(pixels) if pixels else (content, b"", b"")
    return before + b"\n" + after


def _granted(dataset: Dataset) -> Iterator[str]:
    """Texts of a result that are no one's: numbers, terms, and what de-identification wrote itself."""
    for element in elements_of(dataset):
        if element.VR in _NUMBERS_AND_TERMS or element.keyword in OWN or element.keyword in DUMMIES:
            yield from _values(element)
    for item in dataset.get("DeidentificationMethodCodeSequence") or ():
        yield str(item.get("CodeMeaning", ""))


def _spellings(word: str, encodings: tuple[str, ...]) -> Iterator[bytes]:
    """Bytes that a word has in the codecs a header may use."""
    for codec in {"utf-8", "latin-1", *encodings}:
        try:
            yield word.encode(codec)
        except (UnicodeEncodeError, LookupError):
            continue
    try:
        yield encode_string(word, list(encodings) or ["iso8859"])
    except (UnicodeError, LookupError):
        return
