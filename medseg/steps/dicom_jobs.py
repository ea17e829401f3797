"""DICOM studies as jobs: series found, recognised as channels, read onto the slices of one of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np

from medseg.bundle.read import Bundle
from medseg.core.errors import DicomError
from medseg.core.in_words import counted
from medseg.core.redact import Redactor
from medseg.core.types import LabelArray
from medseg.core.verdict import Finding, Verdict
from medseg.core.volume import Volume
from medseg.datasets.series_grid import check_shared_space
from medseg.datasets.series_match import Choice, Match, match_series
from medseg.io.dicom import Found, find_series, read_series
from medseg.io.dicom_series import Series
from medseg.io.dicom_study import identity_words, study_key, study_name
from medseg.io.itk import resample_onto
from medseg.io.nifti import write_labels
from medseg.runs.report_facts import ReportChannel
from medseg.steps.dicom_options import DicomOptions
from medseg.steps.jobs import Job, Outcome, Scan, Worklist, failed
from medseg.steps.unread import unread_files

LOG = logging.getLogger("medseg")
FEWEST_SLICES_3D = 3  # two slices have no inside; a 3D network would see padding alone above and below


def dicom_jobs(bundle: Bundle, path: Path, options: DicomOptions, say: Callable[[str], None]) -> Worklist:
    """Every DICOM study below a path as a job, or as the outcome that says why it cannot be segmented.

    Args:
        bundle: Names the channels.
        path: A folder, looked through in any depth, or a file.
        options: What the user says of the series.
        say: Shows a line to the user.

    Raises:
        DicomError: There is no DICOM after all.
    """
    found = find_series(path, select=options.select, resample_tilt=options.resample_tilt)
    identity = identity_words(found.series)
    jobs, outcomes = [], list(_unread(found, Redactor(identity), say))
    if not found.series and not outcomes:
        raise DicomError(f"'{path}' holds no DICOM", "unreadable")
    for key in dict.fromkeys(study_key(one) for one in found.series):
        series = [one for one in found.series if study_key(one) == key]
        if not any(one.is_image for one in series) and any(one.is_image for one in found.series):
            continue  # reports and segmentations of another study are no study to segment
        try:
            jobs.append(_job(bundle, series, options))
        except Exception as error:  # whatever is wrong with one study must not stop the others
            LOG.debug("study %s", study_name(key), exc_info=True)
            redactor = Redactor(identity_words(series))
            outcomes.append(failed(study_name(key), error, redactor=redactor, code=_refused_for(error, series)))
    return Worklist(tuple(jobs), tuple(outcomes), identity)


def _unread(found: Found, redactor: Redactor, say: Callable[[str], None]) -> Iterator[Outcome]:
    """One outcome for all files that may have been studies."""
    damaged, empty = unread_files(found)
    if empty:
        more = f", and {len(empty) - 1} more" if len(empty) > 1 else ""
        say(redactor.text(f"left out: {empty[0].finding.sentence}{more}"))
    if damaged:
        # No header tells whose they are, so no word can be taken out: files are often named after patients.
        count = f"{counted(len(damaged), 'DICOM file')} cannot be read"
        name = study_name(" ".join(str(one.path.resolve()) for one in damaged))
        reason = f"{count}; `check --input` names {'them' if len(damaged) > 1 else 'it'}. Copy the study again."
        yield failed(name, DicomError(reason, damaged[0].finding.code), redactor=redactor)


def _refused_for(error: Exception, series: Sequence[Series]) -> str:
    """Code of the series that the error quotes the refusal of."""
    refused = [one.verdict for one in series if not one.verdict.accepted]
    return next((one.code for one in refused if one.reason in str(error)), "failed")


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
        id=study_name(study_key(reference)),
        sources=tuple(path for choice in match.channels.values() for path in choice.series.files),
        value_of={0: 0} | {label.value: label.value for label in bundle.labels.labels},
        read=partial(_read, match, names),
        write_labels=_write,
        modality=reference.modality,
        reference=reference,
        reference_channel=names.index(match.reference),
        redactor=Redactor(identity_words(series)),
        key=[asdict(options), [[name, choice.series.uid] for name, choice in match.channels.items()]],
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
