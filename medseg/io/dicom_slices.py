"""One file's header to image planes: a single-frame image gives one, a multi-frame image one per frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from pydicom import Dataset
from pydicom.datadict import keyword_for_tag
from pydicom.tag import BaseTag, Tag

from medseg.io.dicom_files import Header
from medseg.io.dicom_series import Slice

# What tells volumes of one series apart, most telling first; times of a slice come last.
_TELLING = (
    *("EchoTime", "EffectiveEchoTime", "EchoNumbers", "InversionTime", "FlipAngle", "RepetitionTime"),
    *("DiffusionBValue", "DiffusionGradientOrientation", "TemporalPositionIdentifier", "TemporalPositionIndex"),
    *("ImageType", "FrameType", "ComplexImageComponent", "StackID", "AcquisitionNumber", "TriggerTime"),
    *("NominalCardiacTriggerDelayTime", "ConvolutionKernel", "ContrastBolusAgent"),
    *("FrameReferenceDateTime", "FrameAcquisitionDateTime", "AcquisitionTime", "ContentTime"),
)
# Dimensions that count slices of one volume, not volumes.
_WITHIN_VOLUME = {"InStackPositionNumber", "ImagePositionPatient", "PlanePositionSequence", "SliceLocation"}

# They hold the geometry of other images.
_OF_OTHERS = {"ReferencedImageSequence", "DerivationImageSequence", "SourceImageSequence"}
_LARGEST = 1e6  # mm; no position or pixel is a kilometre away


def slices_of(header: Header) -> list[Slice]:
    """Image planes of a file, in stored order."""
    dataset = header.dataset
    frames = dataset.get("PerFrameFunctionalGroupsSequence")
    if not frames:
        return [_slice(header, None, [dataset])]
    shared = list(dataset.get("SharedFunctionalGroupsSequence") or [])
    dimensions = _dimensions(dataset)
    return [
        _slice(
            header, number, [*_groups(frame), *(group for one in shared for group in _groups(one)), dataset], dimensions
        )
        for number, frame in enumerate(frames)
    ]


def numbers(value: Any, count: int) -> tuple[float, ...] | None:
    """``count`` numbers of an attribute's value; None where it holds anything else, or a number no scanner means."""
    if isinstance(value, str | bytes):
        return None  # text is not its digits
    try:
        found = tuple(float(one) for one in value)
    except (TypeError, ValueError):
        return None
    return found if len(found) == count and all(abs(one) < _LARGEST for one in found) else None  # NaN is not below


def is_whole(value: object) -> bool:
    """Whether an attribute's value is one whole number, as US and IS give it."""
    return isinstance(value, int)


def _slice(header: Header, frame: int | None, groups: Sequence[Dataset], dimensions: Sequence[str] = ()) -> Slice:
    first = _FirstOf(groups)
    position = numbers(first("ImagePositionPatient"), 3)
    spacing = numbers(first("PixelSpacing"), 2)
    return Slice(
        path=header.path,
        frame=frame,
        header=header.dataset,
        position_lps=None if position is None else (position[0], position[1], position[2]),
        rows_columns_lps=numbers(first("ImageOrientationPatient"), 6),
        pixel_spacing_mm=None if spacing is None or min(spacing) <= 0 else (spacing[0], spacing[1]),
        slope=_number(first("RescaleSlope")),
        intercept=_number(first("RescaleIntercept")),
        attributes=tuple(_attributes(first, groups, dimensions)),
        pixels_at=header.pixels_at,
    )


class _FirstOf:
    """The value of a keyword in the innermost group that has it."""

    def __init__(self, groups: Sequence[Dataset]) -> None:
        self.groups = groups

    def __call__(self, keyword: str) -> Any:
        tag = _tag(keyword)
        for group in self.groups:
            if tag in group:
                return group[tag].value
        return None


@cache
def _tag(keyword: str) -> BaseTag:
    """Found once: looking a keyword up for every slice takes as long as parsing the headers."""
    return Tag(keyword)


def _groups(frame: Dataset) -> Iterator[Dataset]:
    """Functional groups of a frame, and the sequences within them (MRDiffusion holds its directions one level down).

    Private ones are left out: some hold a whole classic header, with a scale of the maker's own.
    """
    for element in frame:
        if element.VR == "SQ" and element.value and not element.is_private and element.keyword not in _OF_OTHERS:
            for item in element.value:
                yield item
                yield from _groups(item)


def _dimensions(dataset: Dataset) -> list[str]:
    """Names of the dimensions that DimensionIndexValues counts, in order."""
    return [_keyword(item.get("DimensionIndexPointer")) for item in dataset.get("DimensionIndexSequence") or []]


def _keyword(tag: Any) -> str:
    return keyword_for_tag(tag) or str(tag) if tag is not None else ""


def _attributes(first: _FirstOf, groups: Sequence[Dataset], dimensions: Sequence[str]) -> Iterator[tuple[str, str]]:
    seen = set()
    for keyword in _TELLING:
        value = first(keyword)
        if value not in (None, ""):
            seen.add(keyword)
            yield keyword, _text(value)
    index = first("DimensionIndexValues")
    counted = [index] if isinstance(index, int) else list(index or ())
    for name, number in zip(dimensions, counted, strict=False):
        if name and name not in _WITHIN_VOLUME and name not in seen:
            yield name, str(number)


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)) or type(value).__name__ == "MultiValue":
        return "\\".join(str(one) for one in value)
    return str(value)


def _number(value: Any) -> float | None:
    try:
        return None if value in (None, "") else float(value)
    except (TypeError, ValueError):
        return None
