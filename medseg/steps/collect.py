"""Inputs of any kind to jobs: DICOM studies, NIfTI datasets, and folders that hold both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from medseg.bundle.read import Bundle
from medseg.core.errors import DatalistError, MedsegError, raise_faults
from medseg.datasets.listing import folders_in, scans_below, scans_in
from medseg.io.dicom_files import has_dicom
from medseg.steps.dicom_jobs import DicomOptions, dicom_jobs
from medseg.steps.jobs import Job, Outcome
from medseg.steps.nifti_jobs import nifti_jobs


def collect(
    bundle: Bundle, inputs: Sequence[Path], options: DicomOptions, say: Callable[[str], None]
) -> tuple[list[Job], list[Outcome]]:
    """Studies of all inputs, and outcomes of those that cannot even be read; an unusable input is refused.

    Args:
        bundle: Names the channels.
        inputs: Files, study folders, datasets, or folders of DICOM in any depth.
        options: For the DICOM among them.
        say: Shows a line to the user.

    Raises:
        DatalistError: An input is no study, or two studies would be written to one file.
    """
    jobs: list[Job] = []
    outcomes: list[Outcome] = []
    faults: list[str] = []
    for path in inputs:
        try:
            found, failed = _of_input(bundle, path, options, say)
            jobs, outcomes = jobs + found, outcomes + failed
        except MedsegError as error:
            faults.append(str(error))
    ids = [*(job.id for job in jobs), *(outcome.study for outcome in outcomes)]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    faults += [f"study '{one}' stands in {ids.count(one)} inputs; both would be written to one file" for one in twice]
    raise_faults("--input", faults, DatalistError)
    return jobs, outcomes


def _of_input(
    bundle: Bundle, path: Path, options: DicomOptions, say: Callable[[str], None]
) -> tuple[list[Job], list[Outcome]]:
    if not path.exists():
        raise DatalistError(f"no file or folder '{path}'")
    if not has_dicom(path):
        return nifti_jobs(bundle, path, say)
    jobs, outcomes = dicom_jobs(bundle, path, options)
    for beside in _nifti_beside(path, say):
        found, failed = nifti_jobs(bundle, beside, say)
        jobs, outcomes = jobs + found, outcomes + failed
    return jobs, outcomes


def _nifti_beside(path: Path, say: Callable[[str], None]) -> list[Path]:
    """Folders without DICOM that hold NIfTI, in a folder that holds DICOM elsewhere.

    A NIfTI file in the folder of a DICOM study is a conversion or a label map of it, not another study.
    """
    folders = folders_in(path) if path.is_dir() else []
    mixed = [folder for folder in folders if has_dicom(folder)]
    left_out = [scan for folder in mixed for scan in scans_below(folder)] + (scans_in(path) if path.is_dir() else [])
    if left_out:
        say(f"{path}: {len(left_out)} NIfTI files beside DICOM left out, first '{left_out[0].name}'")
    return [folder for folder in folders if folder not in mixed and scans_below(folder)]
