"""DICOM studies as jobs: series found, recognised as channels, read onto the slices of one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from medseg.bundle.read import Bundle
from medseg.core.errors import DicomError, MedsegError
from medseg.core.redact import Redactor
from medseg.core.types import LabelArray
from medseg.core.verdict import Finding, Verdict
from medseg.core.volume import Volume
from medseg.datasets.series_grid import check_shared_space
from medseg.datasets.series_match import Choice, Match, match_series
from medseg.io.dicom import find_series, read_series
from medseg.io.dicom_series import Series
from medseg.io.dicom_study import identity_words, study_name
from medseg.io.itk import resample_onto
from medseg.io.nifti import write_labels
from medseg.runs.report_facts import ReportChannel
from medseg.steps.jobs import Job, Outcome, Scan, failed

FEWEST_SLICES_3D = 3  # two slices have no inside; a 3D network would see padding alone above and below


@dataclass(frozen=True)
class DicomOptions:
    """What a user says of the series.

    Attributes:
        series: Channel to SeriesNumber or SeriesInstanceUID.
        select: Attribute to value: keeps one volume of a series that holds several.
        resample_tilt: Whether a tilted gantry is resampled.
    """

    series: Mapping[str, str] = field(default_factory=dict)
    select: Mapping[str, str] = field(default_factory=dict)
    resample_tilt: bool = False


def dicom_jobs(bundle: Bundle, path: Path, options: DicomOptions) -> tuple[list[Job], list[Outcome]]:
    """Every DICOM study below a path as a job, or as the outcome that says why it cannot be segmented.

    Raises:
        DicomError: There are DICOM files but no study, since none can be read.
    """
    found = find_series(path, select=options.select, resample_tilt=options.resample_tilt)
    if not found.series:
        raise DicomError(" ".join(one.sentence for one in found.damaged) or f"'{path}' holds no DICOM", "unreadable")
    jobs, outcomes = [], []
    for uid in dict.fromkeys(one.study_uid for one in found.series):
        series = [one for one in found.series if one.study_uid == uid]
        if not any(one.is_image for one in series) and any(one.is_image for one in found.series):
            continue  # reports and segmentations of another study are no study to segment
        try:
            jobs.append(_job(bundle, series, options))
        except MedsegError as error:
            outcomes.append(failed(study_name(uid), error, redactor=Redactor(identity_words(series))))
    return jobs, outcomes


def _job(bundle: Bundle, series: Sequence[Series], options: DicomOptions) -> Job:
    names = [channel.name for channel in bundle.channels]
    images = [one for one in series if one.is_image]
    if len(images) == 1 and not images[0].verdict.accepted:
        raise DicomError(images[0].verdict.reason, images[0].verdict.code)
    if not images:
        raise DicomError(series[0].verdict.reason, series[0].verdict.code)
    match = match_series(bundle.series, series, options.series, channels=names)
    check_shared_space(match)
    reference = match.channels[match.reference].series
    _check_slices(bundle, reference)
    return Job(
        id=study_name(reference.study_uid),
        sources=tuple(path for choice in match.channels.values() for path in choice.series.files),
        value_of={0: 0} | {label.value: label.value for label in bundle.labels.labels},
        read=partial(_read, match, names),
        write_nifti=_write,
        modality=reference.modality,
        reference=reference,
        reference_channel=names.index(match.reference),
        redactor=Redactor(identity_words(series)),
    )


def _check_slices(bundle: Bundle, reference: Series) -> None:
    sides = bundle.inference["network_def"].get("spatial_dims", 3)
    count = len(reference.slices)
    if sides == 3 and count < FEWEST_SLICES_3D:
        reason = (
            f"{reference.name}: {count} slices; the model needs at least {FEWEST_SLICES_3D}. Give the whole series."
        )
        raise DicomError(reason, "too_few_slices")


def _read(match: Match, names: Sequence[str]) -> Scan:
    """All channels on the reference's grid; pixels may be refused where headers were not."""
    grid, verdict = read_series(match.channels[match.reference].series)
    volumes, channels = [], []
    for name in names:
        choice = match.channels[name]
        if name == match.reference:
            volume, told = grid, verdict
        else:
            volume, told = read_series(choice.series)
        onto = resample_onto(volume, grid.affine_ras, grid.shape, background=float(volume.array.min()))
        volumes.append(onto.array)
        channels.append(_channel(name, choice, volume, told, onto.array is not volume.array))
    warnings = [Finding("series_refused", sentence) for sentence in match.warnings]
    warnings += [one for channel in channels for one in channel.warnings]
    array = volumes[0] if len(volumes) == 1 else np.concatenate(volumes)
    return Scan(Volume(array, grid.affine_ras), tuple(channels), tuple(dict.fromkeys(warnings)))


def _write(path: Path, labels: LabelArray, scan: Scan) -> None:
    write_labels(path, labels, scan.volume.affine_ras)


def _channel(name: str, choice: Choice, volume: Volume, verdict: Verdict, resampled: bool) -> ReportChannel:
    return ReportChannel(
        name=name,
        recognised=choice.reason,
        series_number=choice.series.number,
        description=choice.series.description,
        shape=volume.shape,
        spacing_mm=volume.spacing_mm,
        resampled=resampled,
        verdict=verdict.code,
        warnings=verdict.warnings,
    )
