"""Pixels of an uncompressed file, straight from their place in it: what most scanners send."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from medseg.io.dicom_series import Slice

_PIXEL_DATA = {"little": b"\xe0\x7f\x10\x00", "big": b"\x7f\xe0\x00\x10"}
# Where the value begins and where its length stands, after the tag: PS3.5 7.1.2 (explicit, OB and OW) and 7.1.3.
_LAYOUTS = {
    ExplicitVRLittleEndian: ("little", 12, 8),
    ExplicitVRBigEndian: ("big", 12, 8),
    ImplicitVRLittleEndian: ("little", 8, 4),
}
_UNDEFINED = 0xFFFFFFFF  # length of encapsulated, that is compressed, pixel data: PS3.5 A.4


def is_native(one: Slice) -> bool:
    """Whether ``read_native`` knows this slice's file: uncompressed whole numbers of 8 or 16 bits at a known place.

    Big endian files may hold 8-bit pixels in swapped pairs (PS3.5 8.1.2); they are left to pydicom.
    """
    header = one.header
    syntax = getattr(header, "file_meta", {}).get("TransferSyntaxUID")
    return (
        one.pixels_at is not None
        and syntax in _LAYOUTS
        and header.get("BitsAllocated") in ((16,) if syntax == ExplicitVRBigEndian else (8, 16))
        and header.get("PixelRepresentation") in (0, 1)
        and header.get("HighBit") == (header.get("BitsStored") or 0) - 1
        and 0 < header.BitsStored <= header.BitsAllocated
    )


def read_native(one: Slice) -> npt.NDArray[Any]:
    """Stored values (Rows, Columns) of one slice, with bits above BitsStored cleared and the sign extended.

    Raises:
        ValueError: The file ends before the slice does, or holds no PixelData where it should; the message has both
            numbers of bytes.
        OSError: The file cannot be read.
    """
    header = one.header
    order, begin, length_at = _LAYOUTS[header.file_meta.TransferSyntaxUID]
    dtype = np.dtype(
        f"{'<' if order == 'little' else '>'}{'iu'[header.PixelRepresentation == 0]}{header.BitsAllocated // 8}"
    )
    pixels = int(header.Rows) * int(header.Columns)
    frames = int(header.get("NumberOfFrames") or 1)
    with one.path.open("rb") as stream:
        stream.seek(one.pixels_at or 0)
        element = stream.read(begin)
        if element[:4] != _PIXEL_DATA[order]:
            raise ValueError(f"no pixel data, 0 of {pixels * frames * dtype.itemsize} bytes")
        if begin == 12 and element[4:6] not in (b"OB", b"OW"):
            raise ValueError("pixel data of no type that holds pixels")
        described = int.from_bytes(element[length_at : length_at + 4], "big" if order == "big" else "little")
        if described == _UNDEFINED:
            raise ValueError("compressed pixel data under an uncompressed transfer syntax")
        stream.seek((one.frame or 0) * pixels * dtype.itemsize, 1)
        content = stream.read(pixels * dtype.itemsize)
        if described < pixels * frames * dtype.itemsize or len(content) < pixels * dtype.itemsize:
            found = min(described, one.path.stat().st_size - (one.pixels_at or 0) - begin)
            raise ValueError(f"pixel data has {max(found, 0)} of {pixels * frames * dtype.itemsize} bytes")
    stored = np.frombuffer(content, dtype).reshape(int(header.Rows), int(header.Columns))
    return _meaningful_bits(stored, int(header.BitsStored))


def _meaningful_bits(stored: npt.NDArray[Any], bits_stored: int) -> npt.NDArray[Any]:
    """Old files keep overlays in the bits above BitsStored (PS3.5 8.1.1)."""
    native = stored.astype(stored.dtype.newbyteorder("=")) if stored.dtype.byteorder == _OTHER_ORDER else stored
    unused = stored.dtype.itemsize * 8 - bits_stored
    if unused == 0:
        return native
    return np.asarray(np.right_shift(np.left_shift(native, unused), unused))


_OTHER_ORDER = ">" if sys.byteorder == "little" else "<"
