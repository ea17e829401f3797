"""Fill the grid of a judged series with its values."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from medseg.core.errors import DicomError
from medseg.core.types import BoolArray, FloatArray
from medseg.core.verdict import Finding, Verdict
from medseg.core.volume import Volume
from medseg.io.dicom_pixels import padding_of, stored_planes
from medseg.io.dicom_series import Series, Slice
from medseg.io.dicom_tilt import straighten

# Reading waits for disks, and the first touch of new memory costs more than the arithmetic; threads share both.
READERS = min(4, os.cpu_count() or 1)
CT_BACKGROUND_HU = -1024.0  # what scanners write where nothing was reconstructed

_LARGEST = float(np.finfo(np.float32).max)


def load(series: Series) -> tuple[Volume, Verdict]:
    """Voxels as float32 (1, I, J, K), and the verdict with what the pixels showed.

    Raises:
        DicomError: A slice cannot be decoded.
    """
    assert series.shape is not None  # an accepted series has a grid
    assert series.affine_ras is not None
    planes = np.empty((len(series.slices), int(series.header.Rows), int(series.header.Columns)), np.float32)
    padding = _fill(planes, series)
    warnings = _replace_padding(planes, padding, series)
    verdict = series.verdict.plus(warnings=warnings)
    background = CT_BACKGROUND_HU if series.modality == "CT" else float(planes.min())
    if series.tilt_mm is not None:  # the series' own affine is that of the straight grid
        planes, _ = straighten(planes, series.affine_ras, series.tilt_mm, background)
    # A view with k slowest, as the slices came: no second copy of a scan of gigabytes.
    return Volume(planes.transpose(2, 1, 0)[np.newaxis], series.affine_ras), verdict


def _fill(planes: FloatArray, series: Series) -> dict[int, BoolArray]:
    """Write rescaled values into (K, J, I), and give the padding of the slices that have some."""
    padding: dict[int, BoolArray] = {}

    def fill(numbered: Sequence[tuple[int, Slice]]) -> None:
        slices = [one for _, one in numbered]
        for (k, one), stored in zip(numbered, stored_planes(slices, series.name), strict=True):
            mask = padding_of(one.header, stored)
            if mask is not None:
                padding[k] = mask
            _rescale(stored, one, planes[k], series.name)

    files = [list(group) for _, group in itertools.groupby(enumerate(series.slices), key=lambda pair: pair[1].path)]
    with ThreadPoolExecutor(READERS) as pool:
        try:
            for _ in pool.map(fill, files):
                pass
        except BaseException:
            pool.shutdown(cancel_futures=True)  # one slice refuses the series; the others need not be read
            raise
    return padding


def _rescale(stored: npt.NDArray[Any], one: Slice, out: FloatArray, name: str) -> None:
    """Stored value x slope + intercept, with the slope of this very slice (PS3.3 C.11.1.1.2)."""
    slope, intercept = 1.0 if one.slope is None else one.slope, one.intercept or 0.0
    if slope == 0 and stored.any():
        reason = f"{name}: '{one.path.name}': RescaleSlope 0 makes all its values one. Export it again."
        raise DicomError(reason, "values_not_finite")
    largest = abs(slope) * 2.0 ** (8 * stored.dtype.itemsize) + abs(intercept)
    if not largest < _LARGEST:
        reason = f"{name}: '{one.path.name}': slope {slope:g} and intercept {intercept:g} give no finite values."
        raise DicomError(f"{reason} Export it again.", "values_not_finite")
    if slope == 1.0 and intercept == int(intercept) and largest < 2**24:
        np.add(stored, np.float32(intercept), out=out, dtype=np.float32)  # whole numbers that float32 holds exactly
    else:
        out[:] = stored * slope + intercept


def _replace_padding(planes: FloatArray, padding: dict[int, BoolArray], series: Series) -> list[Finding]:
    if not padding:
        return []
    background = _background(planes, padding, series.modality)
    changed = 0
    for k, mask in padding.items():
        wrong = mask & (planes[k] != background)
        changed += int(np.count_nonzero(wrong))
        planes[k][wrong] = background
    if not changed:
        return []
    what = f"{changed} voxels of padding were replaced by {background:g}"
    return [Finding("padding", f"{series.name}: {what} (PixelPaddingValue is present).")]


def _background(planes: FloatArray, padding: dict[int, BoolArray], modality: str) -> float:
    """What padding becomes: air in CT; else 0 where padding is 0 already, or the smallest value outside it."""
    if modality == "CT":
        return CT_BACKGROUND_HU
    k, mask = next(iter(padding.items()))
    if not planes[k][mask].any():
        return 0.0  # MR writes 0 where nothing was measured; the smallest measured value would not be nothing
    least = [planes[k][~padding[k]] if k in padding else planes[k] for k in range(len(planes))]
    return float(min((part.min() for part in least if part.size), default=0.0))
