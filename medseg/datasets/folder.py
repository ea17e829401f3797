"""Plain folders: images/ beside labels/ (or imagesTr/ beside labelsTr/) with equal file names, or only image files."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

from medseg.core.errors import DatalistError, raise_faults
from medseg.core.study import ChannelFile, Dataset, Study
from medseg.datasets.dataset_json import FILE_NAME
from medseg.datasets.listing import scans_in
from medseg.io.formats import is_readable, study_stem

CHANNEL = "image"
_PAIRS = (("images", "labels"), ("imagesTr", "labelsTr"))


def is_pairs(path: Path) -> bool:
    """Whether a folder has an images/ and a labels/ folder, or imagesTr/ and labelsTr/ without a dataset.json."""
    pair = _pair_of(path)
    return pair == _PAIRS[0] or (pair is not None and not (path / FILE_NAME).is_file())


def read_pairs(path: Path) -> Dataset:
    """One study per file in images/, with the file of the same name in labels/ where there is one.

    Folders may be called imagesTr/ and labelsTr/ too.

    Raises:
        DatalistError: All labels without an image.
    """
    of_images, of_labels = _pair_of(path) or _PAIRS[0]
    layout = f"{of_images}/ and {of_labels}/"
    images = {study_stem(file): file for file in scans_in(path / of_images)}
    labels = {study_stem(file): file for file in scans_in(path / of_labels)}
    lonely = sorted(set(labels) - set(images))
    faults = [f"'{labels[stem]}': there is no file '{stem}' in {of_images}/{_hint(images, stem)}" for stem in lonely]
    raise_faults(f"Data '{path}' ({layout})", faults, DatalistError)
    studies = tuple(_study(file, labels.get(stem)) for stem, file in sorted(images.items()))
    return Dataset(layout, path, studies, (CHANNEL,))


def _pair_of(path: Path) -> tuple[str, str] | None:
    found = ((images, labels) for images, labels in _PAIRS if (path / images).is_dir() and (path / labels).is_dir())
    return next(found, None)


def _hint(images: Container[str], stem: str) -> str:
    return "; files named as nnU-Net does need its dataset.json" if f"{stem}_0000" in images else ""


def is_files(path: Path) -> bool:
    """Whether a path is one image file, or a folder that holds image files and no labels/."""
    if path.is_dir():
        return bool(scans_in(path)) and not (path / "labels").is_dir()
    return path.is_file() and is_readable(path)


def read_files(path: Path) -> Dataset:
    """One study per image file, none with a label."""
    files = scans_in(path) if path.is_dir() else [path]
    layout = "folder of image files" if path.is_dir() else "one image file"
    return Dataset(layout, path, tuple(_study(file, None) for file in files), (CHANNEL,))


def _study(image: Path, label: Path | None) -> Study:
    stem = study_stem(image)
    return Study(stem, stem, {CHANNEL: ChannelFile(image)}, label)
