"""Small labelled scans in plain folders, made to be changed by the tests of a plan's fingerprint."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt

SHAPE = (14, 18, 12)
DESCRIPTION = {"labels": {"0": "background", "1": "head", "2": "tail"}, "modality": {"0": "MRI"}, "name": "Invented"}


def image_of(number: int, shape: tuple[int, int, int] = SHAPE) -> npt.NDArray[np.float32]:
    """Noise that is another for each number."""
    return np.random.default_rng(number).normal(100, 20, shape).astype(np.float32)


def label_of(shape: tuple[int, int, int] = SHAPE) -> npt.NDArray[np.uint8]:
    """Label 1 in front of label 2, both midway between left and right."""
    label = np.zeros(shape, np.uint8)
    label[5:9, 10:14, 4:8] = 1
    label[5:9, 4:8, 4:8] = 2
    return label


def save(path: Path, array: npt.NDArray[np.generic], affine: npt.NDArray[np.float64] | None = None) -> Path:
    """An array as NIfTI, 1 mm along every axis unless told otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(array, np.eye(4) if affine is None else affine), path)
    return path


def image_path(folder: Path, number: int) -> Path:
    """Where a study's image is."""
    return folder / "imagesTr" / f"P{number}.nii.gz"


def label_path(folder: Path, number: int) -> Path:
    """Where a study's label map is."""
    return folder / "labelsTr" / f"P{number}.nii.gz"


def write_cohort(folder: Path, studies: int = 5, *, declared: bool = True) -> Path:
    """Studies P0, P1 … of one channel; with the description of the Decathlon, or plain folders without any."""
    for number in range(studies):
        save(image_path(folder, number), image_of(number))
        save(label_path(folder, number), label_of())
    if declared:
        listed = [{"image": f"imagesTr/P{n}.nii.gz", "label": f"labelsTr/P{n}.nii.gz"} for n in range(studies)]
        (folder / "dataset.json").write_text(json.dumps({**DESCRIPTION, "training": listed}), encoding="utf-8")
    return folder
