"""File formats by name ending; a new format is one row here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from medseg.core.errors import FileError
from medseg.core.types import Affine, LabelArray
from medseg.core.volume import Volume
from medseg.io import nifti


@dataclass(frozen=True)
class Reader:
    """How one format is read; see the functions of ``medseg.io.nifti`` for what each gives and raises."""

    header: Callable[[Path], nifti.Header]
    volume: Callable[[Path, int | None], Volume]
    label: Callable[[Path], tuple[LabelArray, Affine]]


_NIFTI = Reader(nifti.read_header, nifti.read_volume, nifti.read_label)

READERS: Mapping[str, Reader] = {".nii": _NIFTI, ".nii.gz": _NIFTI}


def is_readable(path: Path) -> bool:
    """Whether the name of a file ends in a known way."""
    return _ending(path) is not None


def format_of(path: Path) -> str:
    """Ending of a file's name as ``READERS`` lists it, for example ".nii.gz".

    Raises:
        FileError: No reader knows the ending.
    """
    ending = _ending(path)
    if ending is None:
        raise FileError(f"'{path}': unknown file format; files ending in {', '.join(READERS)} are read")
    return ending


def reader_of(path: Path) -> Reader:
    """Reader of a file, chosen by its name.

    Raises:
        FileError: No reader knows the ending.
    """
    return READERS[format_of(path)]


def study_stem(path: Path) -> str:
    """Name of a file without its folder and format ending: "a/P1.nii.gz" is "P1"."""
    return path.name[: -len(format_of(path))]


def _ending(path: Path) -> str | None:
    name = path.name.lower()
    endings = (ending for ending in READERS if name.endswith(ending) and len(name) > len(ending))
    return max(endings, key=len, default=None)
