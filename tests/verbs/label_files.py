"""Small label maps on disk, as NIfTI and as DICOM SEG, for the tests of verbs and steps."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
from highdicom.seg import SegmentDescription
from pydicom.sr.codedict import codes

from medseg.core.volume import Volume
from medseg.io.dicom_write import write_series
from medseg.io.nifti import write_labels

SHAPE = (10, 8, 6)
AFFINE = np.array([[-1.0, 0, 0, 12], [0, -1.5, 0, 14], [0, 0, 2.0, -20], [0, 0, 0, 1]])  # axial, as scanners send it


def boxes(shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """Values 1, 2 and 4, asymmetric along every axis; the first and the last slice are empty."""
    labels = np.zeros(shape, np.uint8)
    labels[1:4, 2:5, 1:4] = 1
    labels[5:9, 1:3, 2:5] = 2
    labels[7, 6, 3] = 4
    return labels


def nifti(path: Path, labels: np.ndarray | None = None, affine: np.ndarray = AFFINE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_labels(path, boxes() if labels is None else labels, affine)
    return path


def seg(path: Path, masks: Mapping[str, np.ndarray], affine: np.ndarray = AFFINE) -> Path:
    """A binary SEG by highdicom, slices without any segment left out; segments may overlap."""
    pixels = np.stack([mask.transpose(2, 1, 0) for mask in masks.values()], axis=-1).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        voxels = np.zeros((1, *pixels.shape[2:0:-1], len(pixels)), np.int16)
        write_series(Volume(voxels, affine), Path(folder), modality="CT", number=1)
        sources = [pydicom.dcmread(file) for file in Path(folder).rglob("*.dcm")]
    normal = affine[:3, 2] * [-1, -1, 1]
    sources.sort(key=lambda one: float(np.dot(one.ImagePositionPatient, normal)))
    segments = [_segment(number, name) for number, name in enumerate(masks, 1)]
    highdicom.seg.Segmentation(
        source_images=sources,
        pixel_array=pixels,
        segmentation_type="BINARY",
        segment_descriptions=segments,
        series_instance_uid=highdicom.UID(),
        series_number=2,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="test",
        manufacturer_model_name="test",
        software_versions="1",
        device_serial_number="1",
        omit_empty_frames=True,
    ).save_as(path)
    return path


def masks_of(labels: np.ndarray, names: Mapping[str, int]) -> dict[str, np.ndarray]:
    return {name: labels == value for name, value in names.items()}


def run_json(folder: Path, studies: list[dict[str, Any]], verb: str = "infer", outcome: str = "finished") -> Path:
    """The part of an inference's record that an evaluation reads."""
    path = folder / "run.json"
    path.write_text(json.dumps({"verb": verb, "outcome": outcome, "studies": studies}), encoding="utf-8")
    return path


def _segment(number: int, name: str) -> SegmentDescription:
    return SegmentDescription(
        segment_number=number,
        segment_label=name,
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=codes.SCT.Neoplasm,
        algorithm_type="MANUAL",
    )
