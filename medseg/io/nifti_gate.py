"""The gate for NIfTI files, in the same words as the one for DICOM series."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from medseg.core.errors import FileError, GeometryError
from medseg.core.verdict import Finding, Verdict
from medseg.io.header import Header
from medseg.io.nifti import read_header, read_volume


@dataclass(frozen=True)
class JudgedFile:
    """A NIfTI file and what the gate says of it.

    Attributes:
        path: The file.
        header: Shape and place; None where they cannot be known.
        verdict: Of header and voxels.
    """

    path: Path
    header: Header | None
    verdict: Verdict


def judge_nifti(path: Path) -> JudgedFile:
    """Read a NIfTI file through and say whether it may be used; raises nothing for a bad file."""
    header = None
    try:
        header = read_header(path)
        read_volume(path)
    except GeometryError as error:
        return JudgedFile(path, header, Verdict((Finding("nifti_geometry", str(error)),)))
    except FileError as error:
        return JudgedFile(path, header, Verdict((Finding("nifti_unreadable", str(error)),)))
    return JudgedFile(path, header, Verdict())
