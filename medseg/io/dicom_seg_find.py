"""Which files of a folder are DICOM segmentations (SEG); only the first bytes of each are read."""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import dataclass
from pathlib import Path

from pydicom.filereader import read_file_meta_info

from medseg.io.dicom_files import open_dataset
from medseg.io.dicom_seg_frames import SEG_CLASSES
from medseg.io.dicom_start import is_dicom, start_of, walk

_ENDING = ".dcm"


@dataclass(frozen=True)
class SegFiles:
    """What lies at a path.

    Attributes:
        segs: Segmentations, sorted by path; damaged ones too where their first bytes say what they are.
        damaged: Files that are named ``.dcm`` and are no DICOM, or do not say of which kind.
        others: How many DICOM files are something else, such as images or reports.
    """

    segs: tuple[Path, ...]
    damaged: tuple[Path, ...]
    others: int


def find_segs(path: Path) -> SegFiles:
    """Segmentations at a path.

    Args:
        path: A folder, looked through in any depth (links to folders are not followed), or one file.
    """
    segs, damaged, others = [], [], 0
    for file in walk(path):
        named = file.name.lower().endswith(_ENDING)
        kind = _class_of(file) if named or is_dicom(start_of(file)) else None
        if kind in SEG_CLASSES:
            segs.append(file)
        elif kind:
            others += 1
        elif named:
            damaged.append(file)
    return SegFiles(tuple(sorted(segs)), tuple(sorted(damaged)), others)


def _class_of(path: Path) -> str:
    """SOP class; empty where the file does not say."""
    if not is_dicom(start_of(path)):
        return ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            told = str(read_file_meta_info(path).get("MediaStorageSOPClassUID", ""))
        except Exception:  # pydicom raises almost anything on damaged bytes
            told = ""
        with contextlib.suppress(Exception):
            told = told or str(open_dataset(path, with_pixels=False).get("SOPClassUID", ""))
    return told
