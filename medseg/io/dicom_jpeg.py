"""JPEG, JPEG-LS and JPEG 2000 frames, looked through before decoding: damaged ones can hang or end the process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy.typing as npt
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1, SecondaryCaptureImageStorage

from medseg.io.itk import decode_plane

BY_GDCM = (JPEGLossless, JPEGLosslessSV1, JPEGExtended12Bit)
# ITU-T T.81 table B.1.
_START, _END, _SCAN, _HUFFMAN, _ARITHMETIC = 0xD8, 0xD9, 0xDA, 0xC4, 0xCC
_FRAMES = frozenset(range(0xC0, 0xD0)) - {_HUFFMAN, 0xC8, _ARITHMETIC}
_READ = frozenset({0xC0, 0xC1, 0xC3})  # baseline, extended and lossless, with Huffman coding
_INSIDE = re.compile(rb"\xff+[^\x00\xff]")  # a marker among coded pixels; FF 00 is a coded FF
_J2K_START = b"\xff\x4f\xff\x51"
_LS_FRAME = 0xF7  # ITU-T T.87 C.1.1
_LS_INSIDE = re.compile(rb"\xff+[\x80-\xfe]")  # T.87 9.1: after FF the highest bit of a coded byte is 0


def decode_jpeg(frame: bytes, header: Dataset) -> npt.NDArray[Any]:
    """Stored values (Rows, Columns) of one frame.

    Args:
        frame: The whole JPEG stream.
        header: Of its file; its transfer syntax is one of ``BY_GDCM``.

    Raises:
        ValueError: The stream is damaged, or of another picture than the header describes.
        RuntimeError: GDCM cannot decode it.
    """
    fault = jpeg_fault(frame, (int(header.Rows), int(header.Columns)), int(header.BitsAllocated))
    if fault:
        raise ValueError(fault)
    with TemporaryDirectory(prefix="medseg-") as folder:
        path = Path(folder) / "frame.dcm"
        _alone(frame, header).save_as(path, enforce_file_format=True)
        return decode_plane(path, slope=1.0, intercept=0.0)


def jpeg_fault(frame: bytes, size: tuple[int, int], bits: int) -> str | None:
    """What is wrong with the structure of a JPEG stream; None where it is sound.

    Coded pixels themselves carry no check sum: a flipped bit among them stays unseen.

    Args:
        frame: The stream.
        size: (Rows, Columns) that it must hold, in one component.
        bits: The most that a pixel may have.
    """
    try:
        segments = _segments(frame, _INSIDE)
    except (ValueError, IndexError) as error:
        return f"JPEG: {error}"
    kinds = _FRAMES & segments.keys()
    if len(kinds) != 1 or not kinds <= _READ or _SCAN not in segments or _HUFFMAN not in segments:
        return "JPEG: not one picture of a kind that is read"
    return _huffman_fault(segments[_HUFFMAN]) or _picture_fault(segments[min(kinds)], segments[_SCAN], size, bits)


def jpeg_ls_fault(frame: bytes, size: tuple[int, int], bits: int) -> str | None:
    """As ``jpeg_fault``, of a JPEG-LS stream."""
    try:
        segments = _segments(frame, _LS_INSIDE)
    except (ValueError, IndexError) as error:
        return f"JPEG: {error}"
    if _LS_FRAME not in segments or _SCAN not in segments:
        return "JPEG: no JPEG-LS picture"
    return _picture_fault(segments[_LS_FRAME], segments[_SCAN], size, bits)


def j2k_fault(frame: bytes, size: tuple[int, int], bits: int) -> str | None:
    """Whether a JPEG 2000 stream is of another picture; its decoder tells of any other damage itself."""
    del bits
    start = frame.find(_J2K_START)
    header = frame[start + 8 : start + 24]  # after both markers, a length and the capabilities: T.800 A.5.1
    if start < 0 or len(header) < 16:
        return "JPEG 2000: no start of picture"
    columns, rows, left, top = (int.from_bytes(header[at : at + 4], "big") for at in (0, 4, 8, 12))
    found = rows - top, columns - left
    if found == size:
        return None
    return f"JPEG 2000: picture of {found[0]} x {found[1]}, the header says {size[0]} x {size[1]}"


def _segments(frame: bytes, inside: re.Pattern[bytes]) -> dict[int, bytes]:
    """Content of all segments by marker; tables of one kind one after the other."""
    found: dict[int, bytes] = {}
    for marker, content in _walk(frame, inside):
        if marker in found and (marker in _FRAMES or marker in (_SCAN, _LS_FRAME)):
            raise ValueError(f"more than one segment {marker:02X}")
        found[marker] = found.get(marker, b"") + content
    return found


def _walk(frame: bytes, inside: re.Pattern[bytes]) -> Iterator[tuple[int, bytes]]:
    """Marker and content of each segment; ends at the end of the picture."""
    if frame[:2] != bytes([0xFF, _START]):
        raise ValueError("no start of image")
    at, marker = 2, _START
    while True:
        marker, at = _marker(frame, at)
        if marker == _END:
            if frame[at:].strip(b"\0\xff"):  # fill bytes are none
                raise ValueError(f"{len(frame) - at} bytes follow its end")
            return
        end = at + int.from_bytes(frame[at : at + 2], "big")
        if marker in (_START, _ARITHMETIC) or not at + 2 <= end <= len(frame):
            raise ValueError(f"segment {marker:02X} is cut or out of place")
        yield marker, frame[at + 2 : end]
        at = _after_pixels(frame, end, inside) if marker == _SCAN else end


def _marker(frame: bytes, at: int) -> tuple[int, int]:
    if frame[at] != 0xFF:
        raise ValueError(f"no marker at byte {at}")
    while frame[at] == 0xFF:
        at += 1
    return frame[at], at + 1


def _after_pixels(frame: bytes, at: int, inside: re.Pattern[bytes]) -> int:
    """Where the marker after coded pixels begins; restart markers belong to the pixels."""
    for found in inside.finditer(frame, at):
        if not 0xD0 <= found[0][-1] <= 0xD7:
            return found.start()
    raise ValueError("ends among its pixels")


def _huffman_fault(content: bytes) -> str | None:
    """A table of codes that cannot be: T.81 B.2.4.2 and C.2."""
    at = 0
    while at < len(content):
        counts = content[at + 1 : at + 17]
        free = 1
        for count in counts:
            free = 2 * free - count
            if free < 0:
                return "JPEG: impossible Huffman table"
        at += 17 + sum(counts)
        if len(counts) < 16 or content[at - sum(counts) - 17] & 0xEC:
            return "JPEG: damaged Huffman table"
    return None if at == len(content) else "JPEG: Huffman table cut short"


def _picture_fault(content: bytes, scan: bytes, size: tuple[int, int], bits: int) -> str | None:
    """Frame header (T.81 B.2.2) and start of scan (B.2.3) of one component."""
    if len(content) != 9 or content[5] != 1:
        return "JPEG: not one component"
    found = int.from_bytes(content[1:3], "big"), int.from_bytes(content[3:5], "big")
    if found != size:
        return f"JPEG: picture of {found[0]} x {found[1]}, the header says {size[0]} x {size[1]}"
    if not 2 <= content[0] <= bits:
        return f"JPEG: {content[0]} bits a pixel, {bits} are allocated"
    if content[7] != 0x11:
        return "JPEG: subsampled"
    return None if len(scan) == 6 and scan[0] == 1 else "JPEG: damaged start of scan"


def _alone(frame: bytes, header: Dataset) -> Dataset:
    """One frame as a file of its own, with nothing that GDCM would apply to its values."""
    alone = Dataset()
    alone.file_meta = FileMetaDataset()
    alone.file_meta.TransferSyntaxUID = header.file_meta.TransferSyntaxUID
    alone.SOPClassUID = alone.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    alone.SOPInstanceUID = alone.file_meta.MediaStorageSOPInstanceUID = "1.2.826.0.1.3680043.8.498.1"
    alone.SamplesPerPixel, alone.PhotometricInterpretation = 1, "MONOCHROME2"
    for keyword in ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"):
        setattr(alone, keyword, header[keyword].value)
    alone.PixelData = encapsulate([frame])
    alone["PixelData"].is_undefined_length = True
    return alone
