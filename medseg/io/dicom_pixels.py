"""Pixels of slices to rescaled values: decoded one by one, padding replaced, every failure with its file."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.pixels import pixel_array
from pydicom.uid import UID

from medseg.core.errors import DicomError
from medseg.core.types import BoolArray, FloatArray
from medseg.io.dicom_files import open_dataset
from medseg.io.dicom_series import Series, Slice

CT_BACKGROUND_HU = -1024.0  # what scanners write where nothing was reconstructed


def rescaled_planes(series: Series) -> Iterator[tuple[FloatArray, BoolArray | None]]:
    """Rescaled values (J, I) in float64 of each slice, in order, and the mask of its padding where there is any.

    Raises:
        DicomError: A slice cannot be decoded; codes truncated, undecodable, values_not_finite.
    """
    for path, group in itertools.groupby(series.slices, key=lambda one: one.path):
        slices = list(group)
        dataset = _opened(path, series.name)
        for one in slices:
            stored = _decoded(dataset, one, series.name)
            padding = _padding(dataset, stored)
            values = stored * (1.0 if one.slope is None else one.slope) + (one.intercept or 0.0)
            if not np.isfinite(values).all():
                reason = f"{series.name}: '{path.name}': slope {one.slope}, intercept {one.intercept}"
                raise DicomError(f"{reason} give values that are not finite. Export it again.", "values_not_finite")
            yield values, padding


def _opened(path: Path, name: str) -> Dataset:
    try:
        dataset = open_dataset(path, with_pixels=True)
        data = dataset.get("PixelData")
    except Exception as error:  # pydicom raises almost anything on damaged bytes
        reason = f"{name}: '{path.name}': truncated or damaged ({' '.join(str(error).split())[:100]}). Copy it again."
        raise DicomError(reason, "truncated") from None
    syntax = UID(dataset.file_meta.get("TransferSyntaxUID", "1.2.840.10008.1.2"))
    if data is None:
        raise DicomError(f"{name}: '{path.name}': truncated: no pixel data (0 bytes). Copy it again.", "truncated")
    if not syntax.is_compressed or syntax == "1.2.840.10008.1.2.1.99":
        _check_length(dataset, len(data), path, name)
    return dataset


def _check_length(dataset: Dataset, found: int, path: Path, name: str) -> None:
    pixels = int(dataset.Rows) * int(dataset.Columns) * int(dataset.get("NumberOfFrames") or 1)
    needed = (pixels * int(dataset.BitsAllocated) + 7) // 8
    if found < needed:
        raise DicomError(
            f"{name}: '{path.name}': truncated: pixel data has {found} of {needed} bytes. Copy it again.", "truncated"
        )


def _decoded(dataset: Dataset, one: Slice, name: str) -> FloatArray:
    try:
        stored = pixel_array(dataset, index=one.frame, raw=True)
    except (RuntimeError, NotImplementedError, AttributeError) as error:
        syntax = UID(dataset.file_meta.get("TransferSyntaxUID", "")).name
        missing = "missing dependencies" in str(error) or "no decoders" in str(error).lower()
        code = "undecodable" if missing or isinstance(error, NotImplementedError) else "truncated"
        reason = " ".join(str(error).split())[:160]
        raise DicomError(
            f"{name}: '{one.path.name}': {syntax} pixel data cannot be decoded ({reason}).", code
        ) from None
    except Exception as error:
        reason = " ".join(str(error).split())[:160]
        raise DicomError(
            f"{name}: '{one.path.name}': pixel data is truncated or damaged ({reason}). Copy it again.", "truncated"
        ) from None
    if stored.shape != (int(dataset.Rows), int(dataset.Columns)):
        what = f"pixel data decodes to shape {stored.shape}, not {dataset.Rows}x{dataset.Columns}"
        raise DicomError(f"{name}: '{one.path.name}': {what}. Copy it again.", "truncated")
    return np.asarray(stored, np.float64)


def _padding(dataset: Dataset, stored: FloatArray) -> BoolArray | None:
    """Where stored values are padding (PS3.3 C.7.5.1.1.2); None where none is."""
    low = dataset.get("PixelPaddingValue")
    if low is None:
        return None
    limits = [_as_stored(dataset, low), _as_stored(dataset, dataset.get("PixelPaddingRangeLimit", low))]
    mask = (stored >= min(limits)) & (stored <= max(limits))
    return mask if mask.any() else None


def _as_stored(dataset: Dataset, value: int) -> int:
    """Writers that mistake the sign of the representation store -2000 as 63536."""
    bits = int(dataset.BitsAllocated)
    signed = int(dataset.get("PixelRepresentation") or 0) == 1
    return int(value) - (1 << bits) if signed and int(value) >= 1 << (bits - 1) else int(value)
