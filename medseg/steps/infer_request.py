"""What a user asks of an inference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from medseg.bundle.trust import NOTHING_SAID, Trust
from medseg.core.formats import Compression, Format, SegType


@dataclass(frozen=True)
class InferRequest:
    """What to segment with what.

    Attributes:
        bundle: Name, folder, zip or run of a trained model, or models:/NAME/VERSION of an MLflow registry.
        inputs: Files, study folders, or datasets in any layout.
        output: Folder of the label maps.
        device: auto, cpu, cuda, cuda:N or mps.
        precision: auto is bf16 where the device computes it natively, else fp32.
        engine: What runs the networks: torch, compile, onnx or openvino; auto is torch.
        exact: Windows where stock MONAI lays them; in fp32, and that is then auto, its label map voxel for voxel.
        keep_memory: Whether the C library keeps freed memory.
        series: Channel to SeriesNumber or SeriesInstanceUID, where a DICOM study's rules are not to decide.
        select: Attribute to value: keeps one volume of a DICOM series that holds several.
        resample_tilt: Whether a series from a tilted gantry is resampled onto an orthogonal grid.
        formats: What to write: "nifti", "dicom-seg", "dicom-sr".
        seg_type: Kind of DICOM segmentation, "binary" or "labelmap".
        seg_compression: Of the DICOM segmentation: "none", "rle", "jpegls" or "j2k".
        report: Whether to write a report page; None writes it for DICOM studies.
        more_bundles: Further trained models; the probabilities of all are averaged.
        tta: Whether mirror images are averaged too, along the axes that the bundles allow.
        part: Number of this part of the studies, from 1, and of all parts.
        go_on: Whether studies that an interrupted inference has done are left as they are.
        uncertainty: Whether to write how unsure the networks are of each voxel, and one number for each label.
        probabilities: Whether to write the probability of each class in each voxel.
        max_memory_gib: Main memory that may be taken; None for most of what is free.
        trust: Who must have signed the bundles, and whether foreign ones may evaluate their expressions.
    """

    bundle: str
    inputs: tuple[Path, ...]
    output: Path
    device: str = "auto"
    precision: str = "auto"
    engine: str = "auto"
    exact: bool = False
    keep_memory: bool = True
    series: Mapping[str, str] = field(default_factory=dict)
    select: Mapping[str, str] = field(default_factory=dict)
    resample_tilt: bool = False
    formats: tuple[Format, ...] = ("nifti",)
    seg_type: SegType = "binary"
    seg_compression: Compression = "none"
    report: bool | None = None
    more_bundles: tuple[str, ...] = ()
    tta: bool = False
    part: tuple[int, int] = (1, 1)
    go_on: bool = False
    uncertainty: bool = False
    probabilities: bool = False
    max_memory_gib: float | None = None
    trust: Trust = NOTHING_SAID
