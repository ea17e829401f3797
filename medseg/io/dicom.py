"""DICOM series to checked volumes: the two functions the rest of medseg calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from medseg.core.verdict import Verdict
from medseg.core.volume import Volume
from medseg.io.dicom_series import Series


@dataclass(frozen=True)
class Found:
    """What lies in a folder.

    Attributes:
        series: Every series, by study, number and UID; refused ones too.
        notes: One sentence each on files that were left out.
    """

    series: tuple[Series, ...]
    notes: tuple[str, ...]


def find_series(path: Path, *, select: Mapping[str, str] | None = None, resample_tilt: bool = False) -> Found:
    """Every DICOM series below a folder, judged by its headers; pixels are not read.

    Args:
        path: A folder, looked through in any depth, or one DICOM file.
        select: Attribute keyword to value: keeps these slices of a series that holds several volumes.
        resample_tilt: Accept a tilted gantry; ``read_series`` then resamples.
    """
    raise NotImplementedError


def read_series(series: Series) -> tuple[Volume, Verdict]:
    """Rescaled voxels as float32 (1, I, J, K) in RAS+ mm, and the verdict with what the pixels showed.

    Raises:
        DicomError: The series is refused, by its headers or by its pixels.
    """
    raise NotImplementedError
