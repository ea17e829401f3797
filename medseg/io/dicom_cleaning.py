"""What stays of a DICOM object when its patient is taken out: the rules of the profile, attribute by attribute."""

from __future__ import annotations

from functools import lru_cache

from pydicom import DataElement, Dataset
from pydicom.datadict import dictionary_VR
from pydicom.dataset import FileMetaDataset

from medseg.core.redact import Redactor
from medseg.io.dicom_kind import SCANS
from medseg.io.dicom_leftovers import Identity
from medseg.io.dicom_profile import (
    ALLOWED,
    ALWAYS_EMPTY,
    BASIC_PROFILE,
    CLEAN_DESCRIPTORS,
    CONSTANTS,
    DESCRIPTIONS,
    DUMMIES,
    EMPTY_IF_PRESENT,
    PUBLIC_SCHEMES,
    REMOVED,
)
from medseg.io.dicom_pseudonyms import Pseudonyms

_METHOD = "medseg: allow-list after PS3.15 Basic Profile"
# Of medseg; a fixed number, so that the same input gives the same bytes with every version.
_IMPLEMENTATION_UID = "2.25.229683120374925746410846917365427308641"
_TEXTS = frozenset({"LO", "LT", "SH", "ST", "UC", "UT"})
_NUMBERS = frozenset({"AT", "DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"})
_CODED = frozenset({"CodeValue", "LongCodeValue", "CodeMeaning"})


def cleaned(source: Dataset, pseudonyms: Pseudonyms, identity: Identity, *, keep_descriptions: bool) -> Dataset:
    """A new object with what is allowed of a source, and with what says that it was de-identified.

    Args:
        source: One file, with its pixels and file meta; stays as it is.
        pseudonyms: What stands for patients and UIDs.
        identity: Of the source; kept texts that hold a word of it are replaced.
        keep_descriptions: Whether SeriesDescription and ProtocolName are kept like other texts.
    """
    return _Cleaning(pseudonyms, identity, keep_descriptions).whole(source)


class _Cleaning:
    """The rules of one object, with what it may still hold and what stands for its patient."""

    def __init__(self, pseudonyms: Pseudonyms, identity: Identity, keep_descriptions: bool) -> None:
        self.pseudonyms = pseudonyms
        self.names_no_one = _redactor(frozenset(identity.words))
        self.descriptions = keep_descriptions
        self.dated = False

    def whole(self, source: Dataset) -> Dataset:
        """A new object of a source: what is allowed of it, then what says that it was de-identified."""
        # Enhanced objects, SEG and PET must have dates; these get a day of no one.
        name = SCANS.get(str(source.get("SOPClassUID", "")), "")
        self.dated = "Enhanced" in name or str(source.get("Modality", "")) in ("PT", "SEG")
        cleaned = self.part(source)
        for keyword in ALWAYS_EMPTY:
            setattr(cleaned, keyword, None)
        patient = self.pseudonyms.patient(*_who(source))
        cleaned.PatientName = cleaned.PatientID = patient
        cleaned.PatientIdentityRemoved = "YES"
        cleaned.DeidentificationMethod = _METHOD
        codes = [BASIC_PROFILE, CLEAN_DESCRIPTORS] if self.descriptions else [BASIC_PROFILE]
        cleaned.DeidentificationMethodCodeSequence = [_code(*code) for code in codes]
        cleaned.LongitudinalTemporalInformationModified = "REMOVED"
        cleaned.file_meta = _meta(cleaned, source)
        cleaned.preamble = bytes(128)
        return cleaned

    def part(self, source: Dataset) -> Dataset:
        """An object or an item of a sequence, without what is not allowed."""
        cleaned = Dataset()
        private_code = str(source.get("CodingSchemeDesignator", "") or "") not in PUBLIC_SCHEMES
        for tag in list(source.keys()):
            try:
                element = None if tag.is_private else self.element(source[tag], private_code)
            except Exception:  # a damaged value: removed, as what is not understood
                element = None
            if element is not None:
                cleaned.add(element)
        return cleaned

    def element(self, element: DataElement, private_code: bool) -> DataElement | None:
        """What stays of an element; None where nothing does."""
        keyword, vr = element.keyword, element.VR
        if keyword in DUMMIES:
            return DataElement(element.tag, vr, DUMMIES[keyword]) if self.dated else None
        if keyword in EMPTY_IF_PRESENT:
            return DataElement(element.tag, vr, [] if vr == "SQ" else None)
        if keyword not in ALLOWED and not (self.descriptions and keyword in DESCRIPTIONS):
            return None
        if vr not in (*_NUMBERS, *dictionary_VR(element.tag).split(" or ")):
            return None  # an attribute of numbers that holds text may hold any text
        if vr == "SQ":
            return DataElement(element.tag, vr, [self.part(item) for item in element.value or ()])
        return self.leaf(element, private_code)

    def leaf(self, element: DataElement, private_code: bool) -> DataElement:
        """An allowed element that is no sequence."""
        keyword, vr = element.keyword, element.VR
        if element.is_empty:
            return element
        if keyword in CONSTANTS:
            return DataElement(element.tag, vr, CONSTANTS[keyword])
        if keyword in _CODED and private_code:
            return DataElement(element.tag, vr, REMOVED)
        several = list(element.value) if element.VM > 1 else [element.value]
        if vr == "UI":
            new = [self.pseudonyms.uid(str(uid)) for uid in several]
            return DataElement(element.tag, vr, new if len(new) > 1 else new[0])
        if vr in _TEXTS and any(self.names_no_one.text(str(text)) != str(text) for text in several):
            return DataElement(element.tag, vr, REMOVED)
        return element


def _who(source: Dataset) -> tuple[str, ...]:
    """What tells a patient from others; the study where nothing else does."""
    for keywords in (("PatientID",), ("PatientName", "PatientBirthDate"), ("StudyInstanceUID",)):
        words = tuple(str(source.get(keyword, "") or "").strip(" \0") for keyword in keywords)
        if words[0]:
            return (keywords[0], *words)
    return ("",)


def _meta(cleaned: Dataset, source: Dataset) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.FileMetaInformationGroupLength = 0  # computed on writing
    meta.FileMetaInformationVersion = b"\x00\x01"
    for keyword, name in (("SOPClassUID", "MediaStorageSOPClassUID"), ("SOPInstanceUID", "MediaStorageSOPInstanceUID")):
        if cleaned.get(keyword):
            setattr(meta, name, cleaned.get(keyword))
    meta.TransferSyntaxUID = source.file_meta.TransferSyntaxUID
    meta.ImplementationClassUID = _IMPLEMENTATION_UID
    return meta


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


@lru_cache(maxsize=64)
def _redactor(words: frozenset[str]) -> Redactor:
    return Redactor(sorted(words))
