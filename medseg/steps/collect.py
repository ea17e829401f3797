"""Inputs of any kind to jobs: DICOM studies, NIfTI datasets, and folders that hold both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from medseg.bundle.read import Bundle
from medseg.core.errors import DatalistError, DicomError, MedsegError, raise_faults
from medseg.core.in_words import counted
from medseg.core.redact import Redactor
from medseg.datasets.listing import folders_in, volumes_below, volumes_in
from medseg.io.dicom_start import has_dicom
from medseg.runs.record import inference_records
from medseg.steps.dicom_options import DicomOptions, check_used
from medseg.steps.jobs import Worklist, failed
from medseg.steps.nifti_jobs import nifti_jobs
from medseg.steps.sharing import Sharing


def to_segment(
    bundle: Bundle, inputs: Sequence[Path], dicom: DicomOptions, sharing: Sharing, say: Callable[[str], None]
) -> Worklist:
    """The part of the inputs' studies that is to be segmented here; as ``collect``.

    Raises:
        UsageError: Something is said of DICOM series, and there is none.
    """
    worklist = collect(bundle, inputs, dicom, say)
    check_used(dicom, worklist.jobs)  # of all: a part may have none of the DICOM studies
    return sharing.of(worklist)


def collect(
    bundle: Bundle,
    inputs: Sequence[Path],
    options: DicomOptions,
    say: Callable[[str], None],
    *,
    option: str = "--input",
) -> Worklist:
    """Studies of all inputs, and outcomes of those that cannot even be read; an unusable input is refused.

    Args:
        bundle: Names the channels.
        inputs: Files, study folders, datasets, or folders of DICOM in any depth.
        options: For the DICOM among them.
        say: Shows a line to the user.
        option: What gives the inputs, for messages.

    Raises:
        DatalistError: An input is no study, or two studies would be written to one file.
    """
    worklist = Worklist()
    faults: list[str] = []
    for path in inputs:
        try:
            worklist = worklist.plus(_of_input(bundle, path, options, say))
        except MedsegError as error:
            faults.append(str(error))
    ids = [*(job.id for job in worklist.jobs), *(outcome.study for outcome in worklist.outcomes)]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    faults += [f"study '{one}' stands in {ids.count(one)} inputs; both would be written to one file" for one in twice]
    raise_faults(option, faults, DatalistError)
    return worklist


def _of_input(bundle: Bundle, path: Path, options: DicomOptions, say: Callable[[str], None]) -> Worklist:
    if not path.exists():
        raise DatalistError(f"no file or folder '{path}'")
    if not has_dicom(path):
        return nifti_jobs(bundle, path, say)
    from medseg.steps.dicom_jobs import dicom_jobs  # and pydicom with it, only where there is DICOM

    try:
        worklist = dicom_jobs(bundle, path, options, say)
    except DicomError:  # a file only began as DICOM does
        return nifti_jobs(bundle, path, say)
    redactor = Redactor(worklist.identity)
    for beside in _nifti_beside(path, lambda line: say(redactor.text(line))):
        worklist = worklist.plus(_beside(bundle, beside, redactor, say))
    return worklist


def _beside(bundle: Bundle, folder: Path, redactor: Redactor, say: Callable[[str], None]) -> Worklist:
    """NIfTI studies beside DICOM ones, whose patients' names may stand in the path; they never stop these."""
    try:
        found = nifti_jobs(bundle, folder, lambda line: say(redactor.text(line)))
    except MedsegError as error:
        return Worklist(outcomes=(failed(folder.name, error, redactor=redactor),))
    jobs = tuple(replace(job, redactor=redactor) for job in found.jobs)
    outcomes = tuple(replace(one, reason=redactor.text(one.reason or "")) for one in found.outcomes)
    return Worklist(jobs, outcomes)


def _nifti_beside(path: Path, say: Callable[[str], None]) -> list[Path]:
    """Folders without DICOM that hold NIfTI, in a folder that holds DICOM elsewhere.

    A NIfTI file in the folder of a DICOM study is a conversion or a label map of it, not another study.
    """
    folders = folders_in(path) if path.is_dir() else []
    mixed = [folder for folder in folders if has_dicom(folder)]
    left_out = [volume for folder in mixed for volume in volumes_below(folder)]
    left_out += volumes_in(path) if path.is_dir() else []
    if left_out:
        files = counted(len(left_out), "NIfTI file")
        say(f"{path}: {files} beside DICOM left out, first '{left_out[0].name}'")
    results = [folder for folder in folders if inference_records(folder)]  # of an earlier inference
    return [folder for folder in folders if folder not in (*mixed, *results) and volumes_below(folder)]
