"""A DICOM series as the gate leaves it: slices in order along the normal, their grid, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset

from medseg.core.geometry import spacing_of
from medseg.core.types import Affine, Shape
from medseg.core.verdict import Verdict


@dataclass(frozen=True)
class Slice:
    """One image plane: a single-frame file, or one frame of a multi-frame file.

    Attributes:
        path: The file.
        frame: Number of the frame, from 0; None in a single-frame file.
        header: Everything of the file but its pixels; shared by all frames of a file.
        position_lps: Centre of the first pixel, mm (ImagePositionPatient); None where absent.
        rows_columns_lps: Direction cosines along a row and along a column (ImageOrientationPatient); None where absent.
        pixel_spacing_mm: Distance between rows, then between columns; None where absent.
        slope: RescaleSlope; None where absent.
        intercept: RescaleIntercept; None where absent.
        attributes: What may tell apart several volumes in one series, by DICOM keyword.
        pixels_at: Byte of the file at which the PixelData element begins; None where it is not known.
    """

    path: Path
    frame: int | None
    header: Dataset
    position_lps: tuple[float, float, float] | None
    rows_columns_lps: tuple[float, ...] | None
    pixel_spacing_mm: tuple[float, float] | None
    slope: float | None
    intercept: float | None
    attributes: tuple[tuple[str, str], ...] = ()
    pixels_at: int | None = None


@dataclass(frozen=True)
class Series:
    """One DICOM series and what the gate says of it.

    Array axes: i runs along a row (columns of the image), j down the rows, k along the normal, so
    ``volume[i, j, k]`` is pixel (row j, column i) of ``slices[k]``.

    Attributes:
        study_uid: StudyInstanceUID; empty where absent.
        uid: SeriesInstanceUID; empty where absent.
        number: SeriesNumber; None where absent.
        description: SeriesDescription; empty where absent.
        modality: For example "CT".
        slices: In order of k where the verdict is accepted; as found otherwise.
        shape: (I, J, K); None where there is no single grid.
        affine_ras: (4, 4), voxel (i, j, k) to RAS+ mm, from positions alone; None where there is no single grid.
        verdict: Of the headers; ``read_series`` adds what pixels show.
        is_image: Whether it should be a scan: not a segmentation, report, plan or presentation.
        tilt_mm: Drift sideways per slice along i and j, where a tilted series is to be resampled, and shape and affine
            are those of the straight grid; None otherwise.
    """

    study_uid: str
    uid: str
    number: int | None
    description: str
    modality: str
    slices: tuple[Slice, ...]
    shape: Shape | None
    affine_ras: Affine | None
    verdict: Verdict
    is_image: bool = True
    tilt_mm: tuple[float, float] | None = None

    @property
    def header(self) -> Dataset:
        """Attributes of the first slice's file, without pixels."""
        return self.slices[0].header

    @property
    def spacing_mm(self) -> tuple[float, float, float] | None:
        """Voxel size along i, j, k; None where there is no single grid."""
        return None if self.affine_ras is None else spacing_of(self.affine_ras)

    @property
    def files(self) -> tuple[Path, ...]:
        """Files of the slices, each once, in their order."""
        return tuple(dict.fromkeys(one.path for one in self.slices))

    @property
    def name(self) -> str:
        """How messages call it: number and description, without identity."""
        number = "" if self.number is None else f" {self.number}"
        described = f" '{self.description}'" if self.description else ""
        return f"series{number}{described} ({self.modality or 'no modality'})"
