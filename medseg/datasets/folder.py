"""Plain folders: images/ beside labels/ with equal file names, or nothing but image files."""

from __future__ import annotations

from pathlib import Path

from medseg.core.errors import DatalistError, raise_faults
from medseg.core.study import ChannelFile, Dataset, Study
from medseg.datasets.listing import scans_in
from medseg.io.formats import is_readable, study_stem

CHANNEL = "image"


def is_pairs(path: Path) -> bool:
    """Whether a folder has an images/ and a labels/ folder."""
    return (path / "images").is_dir() and (path / "labels").is_dir()


def read_pairs(path: Path) -> Dataset:
    """One study per file in images/, with the file of the same name in labels/ where there is one.

    Raises:
        DatalistError: All labels without an image.
    """
    images = {study_stem(file): file for file in scans_in(path / "images")}
    labels = {study_stem(file): file for file in scans_in(path / "labels")}
    lonely = sorted(set(labels) - set(images))
    faults = [f"'{labels[stem]}': there is no file '{stem}' in images/" for stem in lonely]
    raise_faults(f"Data '{path}' (images/ and labels/)", faults, DatalistError)
    studies = tuple(_study(file, labels.get(stem)) for stem, file in sorted(images.items()))
    return Dataset("images/ and labels/", path, studies, (CHANNEL,))


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
