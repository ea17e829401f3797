"""A small oblique series, a label map on it and what its values mean: the input of every DICOM result test."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import nibabel
import numpy as np
import pydicom
import pytest
from pydicom import Dataset

from medseg.core.coding import CodedLabel, Concept
from medseg.core.volume import Volume
from medseg.io.dicom import find_series
from medseg.io.dicom_result import Algorithm
from medseg.io.dicom_series import Series
from medseg.io.dicom_write import write_series

Edit = Callable[[Dataset], None]
SHAPE = (11, 9, 7)  # columns, rows, slices: 99 pixels a frame, so that frames do not begin at whole bytes
# Turned about two axes; every cosine has many digits.
_ABOUT_X = np.array([[1, 0, 0], [0, np.cos(0.3), -np.sin(0.3)], [0, np.sin(0.3), np.cos(0.3)]])
_ABOUT_Z = np.array([[np.cos(0.4), -np.sin(0.4), 0], [np.sin(0.4), np.cos(0.4), 0], [0, 0, 1]])
AFFINE = np.eye(4)
AFFINE[:3, :3] = _ABOUT_Z @ _ABOUT_X @ np.diag([-0.9, -1.1, 3.0])
AFFINE[:3, 3] = [12.5, -30.25, 71.0]

ALGORITHM = Algorithm(name="brats_unet3d", version="1.2.0", digest="0f" * 32, software_version="0.3.0")
OTHER_BUNDLE = Algorithm(name="brats_unet3d", version="1.2.0", digest="f0" * 32, software_version="0.3.0")
LESION = Concept("49755003", "SCT", "Morphologically Abnormal Structure")
ORGAN = Concept("123037004", "SCT", "Anatomical Structure")
BRAIN = Concept("12738006", "SCT", "Brain")
LEFT = Concept("7771000", "SCT", "Left")

NECROSIS = CodedLabel("necrosis", (1,), LESION, Concept("6574001", "SCT", "Necrosis"), BRAIN, colour=(255, 0, 0))
EDEMA = CodedLabel("edema", (2,), LESION, Concept("79654002", "SCT", "Edema"), BRAIN, colour=(0, 255, 0))
KIDNEY = CodedLabel("left kidney", (4,), ORGAN, Concept("64033007", "SCT", "Kidney"), modifier=LEFT)
ABSENT = CodedLabel("cyst", (7,), LESION, Concept("441457006", "SCT", "Cyst"))
WHOLE = CodedLabel("whole tumour", (1, 2), LESION, Concept("108369006", "SCT", "Neoplasm"), BRAIN)
CODED = (NECROSIS, EDEMA, KIDNEY, ABSENT, WHOLE)
NUMBERS = {1: 1, 2: 2, 4: 3, 7: 4}  # label map value to segment number


def label_map(shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """Values 1, 2 and 4, asymmetric along every axis; the first and the last slice are empty."""
    labels = np.zeros(shape, np.uint8)
    labels[1:4, 2:5, 1:4] = 1
    labels[5:9, 1:3, 2:6] = 2
    labels[7, 7, 2 if shape[2] < 4 else 3] = 4
    labels[0, -1, 2 if shape[2] < 4 else 3] = 4
    return labels


def numbered(labels: np.ndarray) -> np.ndarray:
    """Segment numbers in place of label map values."""
    table = np.zeros(256, np.uint8)
    for value, number in NUMBERS.items():
        table[value] = number
    return table[labels]


def small_series(folder: Path, affine: np.ndarray = AFFINE, *, modality: str = "CT", **attributes: Any) -> Series:
    """A series as the gate accepts it, whose slice k holds the value k."""
    voxels = np.broadcast_to(np.arange(SHAPE[2]), SHAPE)[None].astype(np.int16)
    write_series(Volume(voxels, affine), folder, modality=modality, number=7, attributes=attributes)
    return only_series(folder)


def only_series(folder: Path) -> Series:
    found = find_series(folder).series
    assert len(found) == 1
    assert found[0].verdict.accepted, found[0].verdict.reason
    return found[0]


def written_seg(folder: Path, kind: Literal["binary", "labelmap"] = "binary") -> tuple[Path, Series]:
    """A SEG of ``label_map`` and the series it lies on."""
    from medseg.io.dicom_seg import write_seg

    series = small_series(folder / "ct")
    write_seg(folder / "seg.dcm", label_map(), series, CODED, algorithm=ALGORITHM, seg_type=kind)
    return folder / "seg.dcm", series


def edited(path: Path, edit: Edit) -> Path:
    seg = pydicom.dcmread(path)
    edit(seg)
    seg.save_as(path)
    return path


def bits_of(seg: Dataset) -> np.ndarray:
    """Pixels (frames, rows, columns) of an uncompressed binary SEG."""
    size = seg.NumberOfFrames * seg.Rows * seg.Columns
    bits = np.unpackbits(np.frombuffer(seg.PixelData, np.uint8), bitorder="little")
    return bits[:size].reshape(seg.NumberOfFrames, seg.Rows, seg.Columns)


def put_bits(seg: Dataset, bits: np.ndarray) -> None:
    packed = np.packbits(bits.ravel(), bitorder="little").tobytes()
    seg.PixelData = packed + b"\0" * (len(packed) % 2)


def dciodvfy_errors(path: Path) -> list[str]:
    """Lines of Debian's validator that begin with Error."""
    program = shutil.which("dciodvfy")
    if program is None:
        pytest.skip("dciodvfy is absent: apt-get install dicom3tools")
    said = subprocess.run([program, str(path)], capture_output=True, text=True, check=False)
    lines = (said.stdout + said.stderr).splitlines()
    assert any(line and not line.startswith(("Error", "Warning", "Abort")) for line in lines), lines  # names the object
    return [line for line in lines if line.startswith(("Error", "Abort"))]


def by_dcmqi(path: Path, folder: Path, shape: tuple[int, ...], affine: np.ndarray) -> np.ndarray:
    """Segment numbers (I, J, K) as dcmqi reads them, carried onto a grid in millimetres."""
    program = shutil.which("segimage2itkimage") or shutil.which("segimage2itkimage", path=_beside_python())
    if program is None:
        pytest.skip("segimage2itkimage is absent: pip install dcmqi")
    folder.mkdir()
    command = [program, "--inputDICOM", str(path), "--outputDirectory", str(folder), "-t", "nifti"]
    subprocess.run(command, capture_output=True, check=True)
    read = np.zeros(shape, np.uint8)
    for file in folder.glob("*.nii.gz"):
        image = nibabel.load(file)
        values = np.asarray(image.dataobj)
        places = np.argwhere(values)
        exact = places @ image.affine[:3, :3].T + image.affine[:3, 3]
        inverse = np.linalg.inv(affine)
        voxels = exact @ inverse[:3, :3].T + inverse[:3, 3]
        assert np.abs(voxels - np.rint(voxels)).max(initial=0) < 1e-3
        read[tuple(np.rint(voxels).astype(int).T)] = values[tuple(places.T)]
    return read


def _beside_python() -> str:
    return str(Path(sys.executable).parent)
