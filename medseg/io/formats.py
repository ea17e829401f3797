"""File formats by name ending; a new format is one row here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy.typing as npt

from medseg.core.errors import FileError
from medseg.core.types import Affine, LabelArray
from medseg.core.volume import Volume
from medseg.io import nifti, picture
from medseg.io.header import Header


class LabelReader(Protocol):
    """How label maps of a format are read."""

    def __call__(self, path: Path, /, *, instances: bool = False) -> tuple[LabelArray, Affine]:
        """Label values (I, J, K) and affine of a file; with ``instances`` all values above 0 become 1."""


class LabelWriter(Protocol):
    """How label maps of a format are written."""

    def __call__(self, path: Path, array: npt.NDArray[Any], /, *, like: Path) -> None:
        """Write a label map (I, J, K) on the grid of another file of the format."""


@dataclass(frozen=True)
class Reader:
    """How one format is read and written; see ``medseg.io.nifti`` and ``medseg.io.picture`` for what each raises.

    Attributes:
        header: Shape and place, without voxels.
        volume: Float32 (C, I, J, K) of all channels, or of the one at a position.
        label: Label values.
        write: Writes a label map.
        label_ending: What names of label maps written for it end in.
    """

    header: Callable[[Path], Header]
    volume: Callable[[Path, int | None], Volume]
    label: LabelReader
    write: LabelWriter
    label_ending: str


_NIFTI = Reader(nifti.read_header, nifti.read_volume, nifti.read_label, nifti.write_label_map, ".nii.gz")
_PICTURE = Reader(picture.read_header, picture.read_volume, picture.read_label, picture.write_label_map, ".png")

READERS: Mapping[str, Reader] = {".nii": _NIFTI, ".nii.gz": _NIFTI} | dict.fromkeys(picture.ENDINGS, _PICTURE)


def is_readable(path: Path) -> bool:
    """Whether the name of a file ends in a known way."""
    return _ending(path) is not None


def is_picture(path: Path) -> bool:
    """Whether the name of a file ends as that of a picture: a plane without a place in the patient."""
    return _ending(path) in picture.ENDINGS


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
