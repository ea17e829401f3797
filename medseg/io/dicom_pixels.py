"""Stored pixels of slices: decoded one by one, every failure with its file and a code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels import pixel_array
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEG2000TransferSyntaxes,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    JPEGLSNearLossless,
    JPEGLSTransferSyntaxes,
)

from medseg.core.errors import DicomError
from medseg.core.types import BoolArray
from medseg.io.dicom_files import open_dataset
from medseg.io.dicom_jpeg import BY_GDCM, decode_jpeg, j2k_fault, jpeg_ls_fault
from medseg.io.dicom_native import is_native, read_native
from medseg.io.dicom_series import Slice

# Pydicom would ask python-gdcm first, which ends the whole process at one damaged frame in twenty.
_PLUGINS = {
    JPEGBaseline8Bit: "pillow",
    JPEG2000: "pylibjpeg",
    JPEG2000Lossless: "pylibjpeg",
    JPEGLSLossless: "pyjpegls",
    JPEGLSNearLossless: "pyjpegls",
}
# What would make a decoder search for its end, or take gigabytes, is found before.
_LOOKED_THROUGH = {
    **dict.fromkeys(JPEGLSTransferSyntaxes, jpeg_ls_fault),
    **dict.fromkeys((*JPEG2000TransferSyntaxes, HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K), j2k_fault),
}
_DEFLATED = "1.2.840.10008.1.2.1.99"


def stored_planes(slices: Sequence[Slice], name: str) -> Iterator[npt.NDArray[Any]]:
    """Stored values (Rows, Columns) of slices that lie in one file, in order; the file is opened once.

    Args:
        slices: Of one file.
        name: How messages call their series.

    Raises:
        DicomError: A slice cannot be decoded; codes truncated, undecodable.
    """
    dataset = None if is_native(slices[0]) else _opened(slices[0].path, name)
    for one in slices:
        yield _native(one, name) if dataset is None else _decoded(dataset, one, name)


def padding_of(header: Dataset, stored: npt.NDArray[Any]) -> BoolArray | None:
    """Where stored values are padding (PS3.3 C.7.5.1.1.2); None where none is."""
    low = header.get("PixelPaddingValue")
    if low is None:
        return None
    limits = [_as_stored(header, value) for value in (low, header.get("PixelPaddingRangeLimit", low))]
    mask = (stored >= min(limits)) & (stored <= max(limits))
    return mask if mask.any() else None


def _native(one: Slice, name: str) -> npt.NDArray[Any]:
    try:
        return read_native(one)
    except (OSError, ValueError) as error:
        raise _truncated(one.path, name, error) from None


def _opened(path: Path, name: str) -> Dataset:
    try:
        dataset = open_dataset(path, with_pixels=True)
        data = dataset.get("PixelData")
    except Exception as error:  # pydicom raises almost anything on damaged bytes
        raise _truncated(path, name, error) from None
    if data is None:
        raise _truncated(path, name, ValueError("no pixel data, 0 bytes"))
    syntax = UID(dataset.file_meta.get("TransferSyntaxUID", "1.2.840.10008.1.2"))
    if not syntax.is_transfer_syntax:
        raise DicomError(f"{name}: '{path.name}': no codec here decodes transfer syntax {syntax}.", "undecodable")
    pixels = int(dataset.Rows) * int(dataset.Columns) * int(dataset.get("NumberOfFrames") or 1)
    needed = (pixels * int(dataset.BitsAllocated) + 7) // 8
    if (not syntax.is_compressed or syntax == _DEFLATED) and len(data) < needed:
        raise _truncated(path, name, ValueError(f"pixel data has {len(data)} of {needed} bytes"))
    return dataset


def _decoded(dataset: Dataset, one: Slice, name: str) -> npt.NDArray[Any]:
    syntax = UID(dataset.file_meta.get("TransferSyntaxUID", "")).name
    try:
        stored = _stored(dataset, one.frame)
    except Exception as error:  # each codec raises errors of its own
        if "missing dependencies" in str(error) or isinstance(error, NotImplementedError):
            reason = f"{name}: '{one.path.name}': no codec here decodes {syntax} ({_brief(error)})."
            raise DicomError(reason, "undecodable") from None
        raise _truncated(one.path, name, error) from None
    if stored.shape != (int(dataset.Rows), int(dataset.Columns)):
        what = f"pixel data decodes to {stored.shape}, not {dataset.Rows} x {dataset.Columns}"
        raise _truncated(one.path, name, ValueError(what))
    return stored


def _stored(dataset: Dataset, frame: int | None) -> npt.NDArray[Any]:
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax in BY_GDCM:
        return decode_jpeg(_frame(dataset, frame), dataset)
    if look_through := _LOOKED_THROUGH.get(syntax):
        size = int(dataset.Rows), int(dataset.Columns)
        if fault := look_through(_frame(dataset, frame), size, int(dataset.BitsAllocated)):
            raise ValueError(fault)
    return np.asarray(pixel_array(dataset, index=frame, raw=True, decoding_plugin=_PLUGINS.get(syntax, "")))


def _frame(dataset: Dataset, frame: int | None) -> bytes:
    """The compressed stream of one frame."""
    frames = int(dataset.get("NumberOfFrames") or 1)
    coded = list(generate_frames(dataset.PixelData, number_of_frames=frames))
    if len(coded) != frames:
        raise ValueError(f"pixel data has {len(coded)} frames, not {frames}")
    return bytes(coded[frame or 0])


def _truncated(path: Path, name: str, error: Exception) -> DicomError:
    reason = f"{name}: '{path.name}': truncated or damaged: {_brief(error)}. Copy it again."
    return DicomError(reason, "truncated")


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(".")


def _as_stored(header: Dataset, value: int) -> int:
    """Writers that mistake the sign of the representation store -2000 as 63536."""
    bits = int(header.BitsAllocated)
    signed = int(header.get("PixelRepresentation") or 0) == 1
    return int(value) - (1 << bits) if signed and int(value) >= 1 << (bits - 1) else int(value)
