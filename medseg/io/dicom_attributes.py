"""What a series' headers say under a keyword, wherever classic and enhanced objects keep it; and which may be asked."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.datadict import dictionary_VR, keyword_dict, tag_for_keyword
from pydicom.multival import MultiValue

from medseg.core.series_rules import DERIVED, Value
from medseg.io.dicom_series import Series

# Rules are quoted in messages, so they may ask for acquisition and image, and for nothing that tells who or when.
_GROUPS = (0x0008, 0x0018, 0x0020, 0x0028, 0x0054)  # identifying, acquisition, relationship, image, PET
_VRS = ("CS", "DS", "FD", "FL", "IS", "LO", "SH", "SL", "SS", "UL", "US")  # no names, dates, UIDs, comments, sequences
_IDENTITY = ("AccessionNumber", "StudyID", "StationName", "InstitutionName", "InstitutionalDepartmentName")

# PS3.3 C.8.13: enhanced objects call it otherwise.
_ENHANCED_NAMES: Mapping[str, str] = {"EchoTime": "EffectiveEchoTime", "InversionTime": "InversionTimes"}
# PS3.3 C.8.13.4 (MR Pulse Sequence) and C.8.13.5.5 (MR Modifier) in the words of the classic MR Image Module.
_TRANSLATED: Mapping[str, Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "ScanningSequence": {
        "EchoPulseSequence": {"SPIN": ("SE",), "GRADIENT": ("GR",), "BOTH": ("SE", "GR")},
        "InversionRecovery": {"YES": ("IR",)},
        "EchoPlanarPulseSequence": {"YES": ("EP",)},
    },
    "AngioFlag": {"TimeOfFlightContrast": {"YES": ("Y",)}},
}
# They describe other images, not this one.
_OF_OTHERS = ("ReferencedImageSequence", "DerivationImageSequence", "SourceImageSequence")
_PLANES = ("sagittal", "coronal", "axial")  # by the world axis nearest to the normal: right, front, top


def attribute_of(series: Series, keyword: str) -> tuple[Value, ...]:
    """Values of an attribute over all slices of a series, each once.

    Args:
        series: As the gate leaves it; a refused one is asked like any other.
        keyword: A DICOM keyword, looked up in the header, then in the functional groups of an enhanced object, there
            also by its enhanced name; or one of ``DERIVED``.

    Returns:
        Text stripped, numbers as numbers; empty where the attribute is absent, empty or not readable.
    """
    if keyword in _DERIVED:
        return _DERIVED[keyword](series)
    planes = dict.fromkeys((id(one.header), one.frame) for one in series.slices)
    headers = {id(one.header): one.header for one in series.slices}
    return tuple(dict.fromkeys(value for key, frame in planes for value in _values_in(headers[key], frame, keyword)))


def keyword_fault(keyword: str) -> str | None:
    """Why a rule cannot ask for this keyword, in one phrase; None if it can."""
    if keyword in DERIVED:
        return None
    if keyword not in keyword_dict:
        nearest = difflib.get_close_matches(keyword, [*DERIVED, *keyword_dict], n=1, cutoff=0.6)
        return "no DICOM keyword" + (f"; did you mean '{nearest[0]}'?" if nearest else "")
    tag = tag_for_keyword(keyword)
    group = -1 if tag is None else tag >> 16
    if group not in _GROUPS or keyword in _IDENTITY or dictionary_VR(keyword) not in _VRS:
        return "tells of patient, place, time or other objects; rules may ask for acquisition and image alone"
    return None


def keyword_faults(keywords: Sequence[str]) -> list[str]:
    """One sentence per keyword that a rule cannot ask for."""
    return [f"{keyword}: {fault}" for keyword in keywords if (fault := keyword_fault(keyword))]


def _values_in(header: Dataset, frame: int | None, keyword: str) -> tuple[Value, ...]:
    if values := _plain(header, keyword):
        return values
    places = [header, *_macros(header, frame)]
    for name in (keyword, _ENHANCED_NAMES.get(keyword, keyword)):
        if values := _first(places, name):
            return values
    if keyword == "ContrastBolusAgent":
        return tuple(value for item in _items(header, "ContrastBolusAgentSequence") for value in _code(item))
    table = _TRANSLATED.get(keyword, {})
    said = {name: _first(places, name) for name in table}
    return tuple(word for name, values in said.items() for value in values for word in table[name].get(str(value), ()))


def _first(places: Sequence[Dataset], keyword: str) -> tuple[Value, ...]:
    """Values in the first place that has any."""
    return next((values for place in places if (values := _plain(place, keyword))), ())


def _code(item: Dataset) -> tuple[Value, ...]:
    return _plain(item, "CodeMeaning") or _plain(item, "CodeValue")


def _macros(header: Dataset, frame: int | None) -> Iterator[Dataset]:
    """Items of the functional groups of one frame, those of all frames first; none in a classic object."""
    shared = _items(header, "SharedFunctionalGroupsSequence")[:1]
    own = _items(header, "PerFrameFunctionalGroupsSequence") if frame is not None else ()
    for group in [*shared, *own[slice(frame, None)][:1]]:
        for keyword in group.dir():
            if keyword not in _OF_OTHERS:
                yield from _items(group, keyword)[:1]


def _items(place: Dataset, keyword: str) -> Sequence[Dataset]:
    """Items of a sequence; none where it is absent, or its bytes are of another type."""
    found = _get(place, keyword)
    return found if isinstance(found, Sequence) and all(isinstance(one, Dataset) for one in found) else ()


def _plain(place: Dataset, keyword: str) -> tuple[Value, ...]:
    """Values of one element, not empty ones; empty where its bytes are not of its type."""
    value = _get(place, keyword)
    values = value if isinstance(value, (MultiValue, list, tuple)) else [value]
    return tuple(_value(one) for one in values if one is not None and str(one).strip())


def _get(place: Dataset, keyword: str) -> Any:
    try:
        return place.get(keyword)
    except Exception:  # pydicom converts a value when it is asked for, and raises almost anything on damaged bytes
        return None


def _value(value: Any) -> Value:
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    return float(value) if isinstance(value, float) or hasattr(value, "as_tuple") else str(value).strip()


def _plane(series: Series) -> tuple[Value, ...]:
    if series.affine_ras is None:
        return ()
    return (_PLANES[int(np.argmax(np.abs(series.affine_ras[:3, 2])))],)


def _slices(series: Series) -> tuple[Value, ...]:
    return (len(series.slices) if series.shape is None else int(series.shape[2]),)


def _slice_spacing(series: Series) -> tuple[Value, ...]:
    return () if series.spacing_mm is None else (round(series.spacing_mm[2], 4),)


_DERIVED: Mapping[str, Callable[[Series], tuple[Value, ...]]] = {
    "SlicePlane": _plane,
    "Slices": _slices,
    "SliceSpacingMm": _slice_spacing,
}
