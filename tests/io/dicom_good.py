"""One good series, as datasets and as the truth that readers must find; every damaged series starts from it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pydicom
from pydicom import Dataset

from medseg.core.types import Affine
from medseg.core.volume import Volume
from medseg.io.dicom_write import write_series

SHAPE = (36, 32, 12)  # columns, rows, slices: as small as OpenJPEG takes; 10 slices are not few
SPACING_MM = (0.9, 1.1, 3.0)
ODD = 5  # the slice that is unlike the others, where one is; its file is 005.dcm
# Turned by 0.3 about the left-right axis, then by 0.4 about the vertical: no cosine is 0 or 1.
_ABOUT_X = np.array([[1, 0, 0], [0, np.cos(0.3), -np.sin(0.3)], [0, np.sin(0.3), np.cos(0.3)]])
_ABOUT_Z = np.array([[np.cos(0.4), -np.sin(0.4), 0], [np.sin(0.4), np.cos(0.4), 0], [0, 0, 1]])
AFFINE: Affine = np.eye(4)
AFFINE[:3, :3] = _ABOUT_Z @ _ABOUT_X @ np.diag([-1.0, -1.0, 1.0]) @ np.diag(SPACING_MM)
AFFINE[:3, 3] = [12.5, -30.25, 71.0]
# Belongs into no message.
IDENTITY = {
    "PatientName": "Zzyzx^Quentin",
    "PatientID": "QX-77123",
    "PatientBirthDate": "19311124",
    "StudyDate": "19870623",
    "AccessionNumber": "ACC90210",
}


def good_array(modality: str) -> np.ndarray:
    """Whole numbers (I, J, K), smooth enough for lossy coders; CT from -1024 to 1023, MR from 0 to 2047."""
    i, j, k = np.indices(SHAPE)
    values = 25 * i + 20 * j + 30 * k + 20 * ((i * j + k) % 3)
    values = np.where((i < 2) | (j < 2), 0, values)
    values[18, 16, 6] = 2047
    return values - 1024 if modality == "CT" else values


def good_volume(modality: str) -> Volume:
    """What ``read_series`` must return, but for the type of the values."""
    return Volume(good_array(modality)[None], AFFINE)


def good_datasets(modality: str) -> list[Dataset]:
    """Slices of the good series in the order of k; the caller may change them."""
    return copy.deepcopy(_good_datasets(modality))


@cache
def _good_datasets(modality: str) -> list[Dataset]:
    with TemporaryDirectory() as folder:
        paths = write_series(
            good_volume(modality), Path(folder), modality=modality, description="Good", number=7, attributes=IDENTITY
        )
        return [pydicom.dcmread(path) for path in paths]


def pixels_of(dataset: Dataset) -> np.ndarray:
    """Stored values (rows, columns) of an uncompressed slice, or all frames below one another."""
    kind = f"<{'i' if dataset.PixelRepresentation else 'u'}{dataset.BitsAllocated // 8}"
    return np.frombuffer(dataset.PixelData, kind).reshape(-1, dataset.Columns)


def put_pixels(dataset: Dataset, stored: np.ndarray) -> None:
    """Make these values the slice, signed where their type is."""
    dataset.Rows, dataset.Columns = stored.shape[:2]
    dataset.PixelRepresentation = int(np.issubdtype(stored.dtype, np.signedinteger))
    dataset.BitsAllocated = 8 * stored.dtype.itemsize
    dataset.BitsStored = min(dataset.BitsStored, dataset.BitsAllocated)
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelData = np.ascontiguousarray(stored).tobytes()
    dataset["PixelData"].VR = "OW" if dataset.BitsAllocated == 16 else "OB"


def write_datasets(datasets: Sequence[Dataset], folder: Path) -> list[Path]:
    """Files ``000.dcm`` … in the order given."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{n:03d}.dcm" for n in range(len(datasets))]
    for path, dataset in zip(paths, datasets, strict=True):
        dataset.save_as(path, enforce_file_format=True)
    return paths


def new_instance(dataset: Dataset, suffix: int = 1) -> Dataset:
    """A copy under another SOPInstanceUID."""
    other = copy.deepcopy(dataset)
    other.SOPInstanceUID = f"{str(dataset.SOPInstanceUID)[:55]}.{suffix}"
    other.file_meta.MediaStorageSOPInstanceUID = other.SOPInstanceUID
    return other


def decimals(values: Sequence[float] | np.ndarray) -> list[str]:
    """Numbers as DICOM decimals of at most 16 characters."""
    return [f"{float(value):.9f}"[:16] for value in values]


def directions(datasets: Sequence[Dataset]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit vectors along rows, columns and normal (LPS) of the good series."""
    cosines = np.array(datasets[0].ImageOrientationPatient, float).reshape(2, 3)
    return cosines[0], cosines[1], np.cross(cosines[0], cosines[1])
