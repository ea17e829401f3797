"""What a SEG file holds: its segments, and where each of its frames lies; on pydicom alone, as a second opinion."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.pixels import iter_pixels

from medseg.core.coding import Concept
from medseg.core.errors import FileError, GeometryError
from medseg.io.dicom_files import open_dataset

SEG_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")  # Segmentation, Label Map Segmentation
_BACKGROUND = "125040"  # DCM, "Background": the segment that is none
_GREATEST = 255  # label maps are uint8


@dataclass(frozen=True)
class ReadSegment:
    """One segment as a file describes it.

    Attributes:
        number: SegmentNumber.
        name: SegmentLabel.
        category: None where absent, as all codes.
        type: The thing itself.
        sites: Anatomic regions.
        algorithm_type: "AUTOMATIC", "SEMIAUTOMATIC" or "MANUAL"; empty where absent.
        tracking_uid: Empty where absent.
    """

    number: int
    name: str
    category: Concept | None
    type: Concept | None
    sites: tuple[Concept, ...] = ()
    algorithm_type: str = ""
    tracking_uid: str = ""


@dataclass(frozen=True)
class SegFrame:
    """Where one frame lies.

    Attributes:
        number: Its segment; None in a label map, where the pixels say it.
        position_lps: Centre of its first pixel, mm.
        rows_columns_lps: Direction cosines along a row and along a column.
        pixel_spacing_mm: Distance between rows, then between columns.
        spacing_mm: Distance of slices, as the file states it; None where absent.
    """

    number: int | None
    position_lps: tuple[float, ...]
    rows_columns_lps: tuple[float, ...]
    pixel_spacing_mm: tuple[float, ...]
    spacing_mm: float | None


@dataclass(frozen=True)
class SegContent:
    """A SEG file whose pixels are not decoded yet.

    Attributes:
        path: The file.
        dataset: With PixelData.
        segments: But for the background, in order of their number.
        frames: In stored order.
        series_uids: Of the series it refers to.
        frame_of_reference_uid: Empty where absent.
        background: Values of a label map that mean no segment.
    """

    path: Path
    dataset: Dataset
    segments: tuple[ReadSegment, ...]
    frames: tuple[SegFrame, ...]
    series_uids: tuple[str, ...]
    frame_of_reference_uid: str
    background: frozenset[int]


def open_seg(path: Path) -> SegContent:
    """Segments and frames of a SEG, binary or label map.

    Raises:
        FileError: Not a SEG, damaged, fractional (a share of a voxel is no label), or numbers above 255.
        GeometryError: Its frames have no place in the patient.
    """
    dataset = _open(path)
    kind = str(dataset.get("SegmentationType", ""))
    if kind not in ("BINARY", "LABELMAP"):
        what = "fractional: its pixels are shares, no labels" if kind == "FRACTIONAL" else f"of type '{kind}'"
        raise FileError(f"'{path}': this SEG is {what}. Give a binary one or a label map.")
    try:
        segments = tuple(sorted((_segment(item) for item in dataset.SegmentSequence), key=lambda one: one.number))
        frames = _frames(path, dataset, binary=kind == "BINARY")
    except (AttributeError, TypeError, ValueError, IndexError) as error:
        raise FileError(f"'{path}': no proper SEG ({type(error).__name__} in its header). Write it again.") from error
    background = _background(path, dataset, segments) if kind == "LABELMAP" else frozenset({0})
    segments = tuple(one for one in segments if kind == "BINARY" or one.number not in background)
    _check_numbers(path, segments, frames)
    return SegContent(
        path,
        dataset,
        segments,
        frames,
        tuple(str(item.SeriesInstanceUID) for item in dataset.get("ReferencedSeriesSequence") or ()),
        str(dataset.get("FrameOfReferenceUID") or ""),
        background,
    )


def frame_pixels(content: SegContent) -> Iterator[npt.NDArray[np.uint8 | np.uint16]]:
    """Pixels (rows, columns) of each frame, in stored order: segment numbers, or 0 and 1.

    Raises:
        FileError: Truncated, or no installed codec decodes them.
    """
    dataset = content.dataset
    try:
        if dataset.BitsAllocated == 1 and not dataset.file_meta.TransferSyntaxUID.is_compressed:
            yield from _unpacked(dataset, len(content.frames))
        else:
            yield from _decoded(dataset, len(content.frames))
    except FileError:
        raise
    except Exception as error:  # codecs raise almost anything
        raise FileError(f"'{content.path}': its pixels cannot be decoded ({type(error).__name__}).") from error


def _open(path: Path) -> Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = open_dataset(path, with_pixels=True)
        except Exception as error:  # pydicom raises almost anything on damaged bytes
            raise FileError(f"'{path}': cannot be read as DICOM ({type(error).__name__}).") from error
    if dataset.get("SOPClassUID") not in SEG_CLASSES:
        raise FileError(f"'{path}': not a DICOM segmentation, its modality is '{dataset.get('Modality', '')}'.")
    return dataset


def _unpacked(dataset: Dataset, count: int) -> Iterator[npt.NDArray[np.uint8]]:
    """PS3.5 8.1.1: one bit a pixel, the first in the lowest bit, no gap between frames."""
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    packed = np.frombuffer(dataset.PixelData, np.uint8)
    size = rows * columns
    if len(packed) * 8 < size * count:
        raise FileError(f"pixel data has {len(packed)} bytes of {math.ceil(size * count / 8)}. Copy the file again.")
    for n in range(count):
        start = n * size
        bits = np.unpackbits(packed[start // 8 : (start + size + 7) // 8], bitorder="little")
        yield bits[start % 8 : start % 8 + size].reshape(rows, columns)


def _decoded(dataset: Dataset, count: int) -> Iterator[npt.NDArray[np.uint8 | np.uint16]]:
    if dataset.BitsAllocated == 1:  # a compressed frame has whole bytes, whatever the header says
        dataset = dataset.copy()
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    found = 0
    for found, plane in enumerate(iter_pixels(dataset, raw=True), 1):  # noqa: B007
        yield np.asarray(plane)
    if found != count:
        raise FileError(f"pixel data has {found} frames of {count}. Copy the file again.")


def _frames(path: Path, dataset: Dataset, *, binary: bool) -> tuple[SegFrame, ...]:
    groups = dataset.get("PerFrameFunctionalGroupsSequence") or ()
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    if len(groups) != int(dataset.NumberOfFrames):
        raise FileError(f"'{path}': {dataset.NumberOfFrames} frames, but places of {len(groups)} (a tiled image?).")
    return tuple(_frame(path, [group, shared], n, binary=binary) for n, group in enumerate(groups, 1))


def _frame(path: Path, groups: Sequence[Dataset], n: int, *, binary: bool) -> SegFrame:
    measures = [item for group in groups for item in group.get("PixelMeasuresSequence") or ()]
    position = _numbers(groups, "PlanePositionSequence", "ImagePositionPatient", 3)
    cosines = _numbers(groups, "PlaneOrientationSequence", "ImageOrientationPatient", 6)
    spacing = _numbers(groups, "PixelMeasuresSequence", "PixelSpacing", 2)
    if not (position and cosines and spacing and min(spacing) > 0):
        raise GeometryError(f"'{path}': frame {n} has no place in the patient (projection or microscopy?).")
    number = _first(groups, "SegmentIdentificationSequence", "ReferencedSegmentNumber")
    if binary and number is None:
        raise FileError(f"'{path}': frame {n} names no segment.")
    stated = [measures[0].get(name) for name in ("SpacingBetweenSlices", "SliceThickness")] if measures else []
    return SegFrame(
        int(number) if binary else None,
        position,
        cosines,
        spacing,
        next((abs(float(one)) for one in stated if one), None),
    )


def _numbers(groups: Sequence[Dataset], sequence: str, keyword: str, count: int) -> tuple[float, ...] | None:
    values = tuple(float(one) for one in _first(groups, sequence, keyword) or ())
    return values if len(values) == count and all(map(math.isfinite, values)) else None


def _first(groups: Sequence[Dataset], sequence: str, keyword: str) -> Any:
    items = (item for group in groups for item in group.get(sequence) or ())
    return next((item[keyword].value for item in items if keyword in item), None)


def _segment(item: Dataset) -> ReadSegment:
    return ReadSegment(
        int(item.SegmentNumber),
        str(item.get("SegmentLabel") or ""),
        next(_codes(item, "SegmentedPropertyCategoryCodeSequence"), None),
        next(_codes(item, "SegmentedPropertyTypeCodeSequence"), None),
        tuple(_codes(item, "AnatomicRegionSequence")),
        str(item.get("SegmentAlgorithmType") or ""),
        str(item.get("TrackingUID") or ""),
    )


def _codes(item: Dataset, sequence: str) -> Iterator[Concept]:
    for code in item.get(sequence) or ():
        value = code.get("CodeValue") or code.get("LongCodeValue") or code.get("URNCodeValue") or ""
        yield Concept(str(value), str(code.get("CodingSchemeDesignator") or ""), str(code.get("CodeMeaning") or ""))


def _background(path: Path, dataset: Dataset, segments: Sequence[ReadSegment]) -> frozenset[int]:
    """PS3.3 C.8.20.2: pixels of PixelPaddingValue belong to no segment, and 0 may be described as background."""
    zero = next((one for one in segments if one.number == 0), None)
    if zero is not None and zero.type is not None and zero.type.value != _BACKGROUND and zero.name != "Background":
        raise FileError(f"'{path}': segment 0 is '{zero.name}'; a label map of ours has background there.")
    padding = dataset.get("PixelPaddingValue")
    return frozenset({0} if padding is None else {0, int(padding)})


def _check_numbers(path: Path, segments: Sequence[ReadSegment], frames: Sequence[SegFrame]) -> None:
    known = {one.number for one in segments}
    if known and max(known) > _GREATEST:
        raise FileError(f"'{path}': segment number {max(known)}; label maps hold numbers up to {_GREATEST}.")
    if strange := sorted({one.number for one in frames if one.number is not None} - known):
        raise FileError(f"'{path}': frames of segments {strange[:5]}, which it does not describe.")
