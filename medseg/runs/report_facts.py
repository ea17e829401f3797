"""What a report on one segmented study tells, before it is put on a page."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from medseg.core.geometry import spacing_of
from medseg.core.redact import Redactor
from medseg.core.types import Affine, FloatArray, LabelArray, Shape
from medseg.core.verdict import Finding
from medseg.runs.colours import Rgb


@dataclass(frozen=True)
class ReportBundle:
    """The model that segmented.

    Attributes:
        name: Of the bundle.
        version: Of the bundle.
        digest: Of its files.
        intended_use: What it is for, in the bundle's words.
        research_use: The wording that forbids clinical use, shown at the top.
        evaluation: How well it did on studies it was not trained on; empty where the bundle does not say.
        parts: What it is made of, where that is more than one bundle: name and value.
    """

    name: str
    version: str
    digest: str
    intended_use: str
    research_use: str
    evaluation: str = ""
    parts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ReportChannel:
    """One channel and where it comes from.

    Attributes:
        name: As the bundle calls it.
        recognised: How it was recognised, in words.
        series_number: In DICOM; None otherwise.
        description: SeriesDescription in DICOM; empty otherwise.
        shape: (I, J, K) as acquired.
        spacing_mm: Voxel size along i, j, k as acquired.
        resampled: Whether it was resampled onto the grid of another channel.
        verdict: ``Verdict.code`` of its gate.
        warnings: ``Verdict.warnings`` of its gate.
    """

    name: str
    recognised: str
    series_number: int | None
    description: str
    shape: Shape
    spacing_mm: tuple[float, float, float]
    resampled: bool
    verdict: str
    warnings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Measurement:
    """A label or region and how much of it there is.

    Attributes:
        name: As the bundle calls it.
        values: Label map values it joins: one for a label, several for a region.
        volume_ml: Its volume.
        voxels: Number of its voxels; 0 where it was not found.
        is_region: Whether it is a union of labels.
        colour: ``CodedLabel.colour``; None takes the next colour that is free.
    """

    name: str
    values: tuple[int, ...]
    volume_ml: float
    voxels: int
    is_region: bool = False
    colour: Rgb | None = None


@dataclass(frozen=True, eq=False)
class ReportScan:
    """What the pictures show; its grid is that of the result.

    Attributes:
        channel: Name of the channel.
        modality: As DICOM writes it ("CT", "MR"), for the grey scale; empty where unknown.
        array: The channel's voxels (I, J, K).
        labels: Label map with written values (I, J, K), 0 is background.
        affine_ras: (4, 4), voxel to RAS+ millimetres.
    """

    channel: str
    modality: str
    array: FloatArray
    labels: LabelArray
    affine_ras: Affine

    @property
    def oblique_degrees(self) -> float:
        """Largest angle between a voxel axis and the patient axis nearest to it."""
        cosines = np.abs(self.affine_ras[:3, :3] / np.asarray(spacing_of(self.affine_ras))).max(axis=0)
        return float(np.degrees(np.arccos(np.minimum(cosines, 1.0)).max()))


@dataclass(frozen=True)
class ReportRun:
    """How the result was made.

    Attributes:
        medseg_version: Of this package.
        device: For example "cpu" or "cuda:0".
        precision: For example "bf16".
        seconds: From reading to the last file.
        outputs: Names of the files written, without folders.
    """

    medseg_version: str
    device: str
    precision: str
    seconds: float
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class StudyReport:
    """Everything a report tells of one study.

    Attributes:
        study: Its id, without identity.
        bundle: The model.
        channels: In the bundle's order.
        warnings: Of the study as a whole.
        measurements: Labels, then regions.
        scan: For the pictures.
        run: How it was made.
    """

    study: str
    bundle: ReportBundle
    channels: tuple[ReportChannel, ...]
    warnings: tuple[Finding, ...]
    measurements: tuple[Measurement, ...]
    scan: ReportScan
    run: ReportRun

    def redacted(self, redactor: Redactor) -> StudyReport:
        """The same report without a patient's identity in any of its texts."""
        redacted = _redacted(self, redactor)
        assert isinstance(redacted, StudyReport)
        return redacted


def _redacted(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, str):
        return redactor.text(value)
    if isinstance(value, tuple):
        return tuple(_redacted(item, redactor) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return dataclasses.replace(value, **{name: _redacted(one, redactor) for name, one in fields.items()})
    return value
