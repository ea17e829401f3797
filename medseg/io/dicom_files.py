"""Which files of a folder are DICOM, and their headers; no pixels are read and nothing can blow up memory."""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydicom import Dataset, dcmread
from pydicom.filereader import read_file_meta_info
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
)

from medseg.core.verdict import Finding
from medseg.io import dicom_start
from medseg.io.dicom_start import is_dicom, walk

_GROUP_LENGTH_END = 144  # PS3.10 7.1: the group length stands here and counts the bytes that follow
# A deflated CT slice grows about threefold. 256 MiB holds any single image and most enhanced objects, and is what a
# server can spare for one file; a bomb of 200 kB that grows to 675 MB is stopped there.
MAX_INFLATED_BYTES = 256 * 2**20
_SYNTAX_READ = {(False, True): ExplicitVRLittleEndian, (False, False): ExplicitVRBigEndian}  # implicit, little endian
# What tells files apart before a series is judged: converted at once, so that damage shows in its file.
_TELLING_APART = (
    *("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "Modality"),
    *("PatientID", "PatientName", "SeriesNumber", "SeriesDescription"),
)


@dataclass(frozen=True)
class Header:
    """One DICOM file without its pixels.

    Attributes:
        path: The file.
        dataset: Attributes before PixelData, with ``file_meta``.
        pixels_at: Byte of the file at which PixelData begins; None where it is inflated first.
    """

    path: Path
    dataset: Dataset
    pixels_at: int | None = None


@dataclass(frozen=True)
class Damaged:
    """A file that may belong to a series and cannot be read; the series of its folder are in doubt.

    Attributes:
        path: The file.
        finding: What is wrong with it.
    """

    path: Path
    finding: Finding


@dataclass(frozen=True)
class Files:
    """What lies below a folder.

    Attributes:
        headers: DICOM files, by path.
        damaged: Files that cannot be read, by path.
        others: How many files are no DICOM.
    """

    headers: tuple[Header, ...]
    damaged: tuple[Damaged, ...]
    others: int


def read_headers(path: Path) -> Files:
    """Headers of every DICOM file at a path.

    Args:
        path: A folder, looked through in any depth (links to folders are not followed), or one file.
    """
    headers, damaged, others = [], [], 0
    for file in walk(path):
        found = _look_at(file)
        if isinstance(found, Header):
            headers.append(found)
        elif isinstance(found, Damaged):
            damaged.append(found)
        else:
            others += 1
    return Files(tuple(headers), tuple(damaged), others)


def open_dataset(path: Path, *, with_pixels: bool) -> Dataset:
    """One DICOM file.

    Args:
        path: The file.
        with_pixels: Whether to read PixelData too.

    Raises:
        OverflowError: A deflated file would inflate beyond ``MAX_INFLATED_BYTES``.
        Exception: Whatever pydicom raises on a damaged file; there is no list of it.
    """
    with path.open("rb") as stream:
        start = stream.read(dicom_start.START_BYTES)
        return _parse(stream, start, path, with_pixels)


def _parse(stream: BinaryIO, start: bytes, path: Path, with_pixels: bool) -> Dataset:
    if _is_deflated(start, path):
        return _inflated(path, with_pixels)
    stream.seek(0)
    dataset = dcmread(stream, force=not dicom_start.has_preamble(start), stop_before_pixels=not with_pixels)
    if "TransferSyntaxUID" not in dataset.file_meta:  # as before 1996; what was found in reading holds
        dataset.file_meta.TransferSyntaxUID = _SYNTAX_READ.get(dataset.original_encoding, ImplicitVRLittleEndian)
    return dataset


def _is_deflated(start: bytes, path: Path) -> bool:
    """By the first bytes; by the whole file meta group where it is longer, or a bomb could hide behind it."""
    if DeflatedExplicitVRLittleEndian.encode() in start:
        return True
    if not dicom_start.has_preamble(start) or _GROUP_LENGTH_END + int.from_bytes(start[140:144], "little") <= len(
        start
    ):
        return False
    return bool(read_file_meta_info(path).get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian)


def _look_at(path: Path) -> Header | Damaged | None:
    try:
        with path.open("rb") as stream:
            start = stream.read(dicom_start.START_BYTES)
            if not start.strip(b"\0"):  # nothing, or a copy that was cut or never filled
                what = f"the first {len(start)} bytes are 0" if start else "0 bytes"
                return Damaged(
                    path, Finding("empty_file", f"'{path.name}': empty file ({what}). Copy the folder again.")
                )
            if not is_dicom(start):
                return None
            dataset = _parse(stream, start, path, with_pixels=False)
            pixels_at = None if _is_deflated(start, path) else stream.tell()
        _ = list(dataset.file_meta), [dataset.get(keyword) for keyword in _TELLING_APART]
    except OverflowError as error:
        return Damaged(path, Finding("too_large", f"'{path.name}': {error}."))
    except Exception as error:  # pydicom raises almost anything on damaged bytes
        reason = f"'{path.name}': cannot be read as DICOM ({_brief(error)}). Copy it again."
        return Damaged(path, Finding("unreadable", reason))
    if not dicom_start.has_preamble(start) and "SOPInstanceUID" not in dataset:
        return None  # bytes that happen to begin like a dataset
    if dataset.file_meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
        return None  # a DICOMDIR by any name
    if _ends_early(dataset):
        reason = f"'{path.name}': truncated: the header ends before the image begins. Copy it again."
        return Damaged(path, Finding("truncated", reason))
    return Header(path, dataset, pixels_at)


def _ends_early(dataset: Dataset) -> bool:
    """Whether an image's header stops before Rows; left alone, the series whose last slice it was would look whole."""
    if "Rows" in dataset:
        return False
    sop_class = str(dataset.get("SOPClassUID", "") or "")
    return "SeriesInstanceUID" not in dataset or not sop_class or "Image" in UID(sop_class).name


def _inflated(path: Path, with_pixels: bool) -> Dataset:
    content = path.read_bytes()
    meta = read_file_meta_info(path)
    begin = _GROUP_LENGTH_END + int(meta.FileMetaInformationGroupLength)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = inflater.decompress(content[begin:], MAX_INFLATED_BYTES)
    if inflater.unconsumed_tail:
        raise OverflowError(
            f"{len(content)} bytes inflate to more than {MAX_INFLATED_BYTES // 2**20} MiB, the limit for one file"
        )
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    packed = io.BytesIO()
    packed.write(bytes(dicom_start.PREAMBLE) + dicom_start.MAGIC)
    write_file_meta_info(packed, meta)
    packed.write(inflated)
    packed.seek(0)
    return dcmread(packed, stop_before_pixels=not with_pixels)


def _brief(error: Exception) -> str:
    """The kind of error and what the system says; what pydicom says may quote a value of the header."""
    told = f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""
    return f"{type(error).__name__}{told}"
