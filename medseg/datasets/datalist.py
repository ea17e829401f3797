"""MONAI datalists: a JSON file that lists images and labels, with paths relative to its folder."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from medseg.core.errors import DatalistError, raise_faults
from medseg.core.study import ChannelFile, Dataset, Study
from medseg.datasets.dataset_json import channel_names_of, instances_of, label_names_of, read_description
from medseg.datasets.instances import as_instances
from medseg.datasets.two_sides import with_two_sides
from medseg.io.formats import is_readable, study_stem

_LABELLED = ("training", "validation")
_UNLABELLED = ("testing", "test")


@dataclass(frozen=True)
class _Entry:
    where: str
    images: tuple[Path, ...]
    label: Path | None
    values: Mapping[str, Any]


def is_datalist(path: Path) -> bool:
    """Whether a path is a JSON file."""
    return path.suffix.lower() == ".json" and path.is_file()


def read_datalist(path: Path) -> Dataset:
    """Studies of a datalist file.

    An entry is ``{"image": path or [paths], "label": path}``; "id" and "patient" may be added.

    Raises:
        DatalistError: All listed files that are missing and all entries that cannot be read.
    """
    return read_listed("MONAI datalist", path, path, read_description(path))


def read_listed(layout: str, root: Path, source: Path, description: Mapping[str, Any]) -> Dataset:
    """Studies that a description lists under "training", "validation", "test" and "testing".

    Args:
        layout: In words for the user.
        root: The path that was given.
        source: The JSON file; listed paths are relative to its folder.
        description: Its content.

    Raises:
        DatalistError: All faults at once.
    """
    faults: list[str] = []
    entries: list[_Entry] = []
    for key in (*_LABELLED, *_UNLABELLED):
        for number, values in enumerate(_list_of(description, key, faults)):
            entry = _read_entry(f"{key}[{number}]", values, source.parent, faults)
            entries += [entry] if entry else []
    names = _channel_names(description, entries)
    for entry in entries:
        faults += _entry_faults(entry, len(names))
    labels = _label_names(description, faults)
    raise_faults(f"'{source}' ({layout})", faults, DatalistError)
    ids = _ids(entries, source.parent)
    studies = [_study(entry, study_id, names) for entry, study_id in zip(entries, ids, strict=True)]
    dataset = Dataset(layout, root, tuple(sorted(studies, key=lambda s: s.id)), names, labels, _notes(entries))
    dataset = with_two_sides(dataset, description)
    return as_instances(dataset) if instances_of(description) else dataset


def _list_of(description: Mapping[str, Any], key: str, faults: list[str]) -> list[Any]:
    values = description.get(key, [])
    if isinstance(values, list):
        return values
    faults.append(f"'{key}' is a {type(values).__name__}; a list of studies is wanted")
    return []


def _read_entry(where: str, values: Any, folder: Path, faults: list[str]) -> _Entry | None:
    values = {"image": values} if isinstance(values, str) else values
    images = values.get("image") if isinstance(values, dict) else None
    images = [images] if isinstance(images, str) else images
    if not isinstance(images, list) or not images or not all(isinstance(image, str) for image in images):
        faults.append(f'{where}: no image path; write {{"image": "a.nii.gz", "label": "b.nii.gz"}}')
        return None
    label = values.get("label")
    if label is not None and not isinstance(label, str):
        faults.append(f"{where}: label is {label!r}; one path is wanted")
        return None
    paths = tuple(_resolve(folder, image) for image in images)
    return _Entry(where, paths, _resolve(folder, label) if label else None, values)


def _resolve(folder: Path, text: str) -> Path:
    return Path(os.path.normpath(folder / Path(text).expanduser()))


def _channel_names(description: Mapping[str, Any], entries: list[_Entry]) -> tuple[str, ...]:
    named = channel_names_of(description)
    if named:
        return named
    most = max((len(entry.images) for entry in entries), default=1)
    return ("image",) if most == 1 else tuple(f"channel{n}" for n in range(most))


def _label_names(description: Mapping[str, Any], faults: list[str]) -> dict[int, str] | None:
    try:
        return label_names_of(description)
    except DatalistError as error:
        faults.append(str(error))
        return None


def _entry_faults(entry: _Entry, channels: int) -> list[str]:
    faults = []
    if len(entry.images) not in (1, channels):
        faults.append(f"{entry.where}: {len(entry.images)} image files; the list names {channels} channels")
    if entry.where.startswith("training") and entry.label is None:
        faults.append(f"{entry.where}: no label; studies without one belong under 'test'")
    for path in (*entry.images, *((entry.label,) if entry.label else ())):
        if not path.is_file():
            faults.append(f"{entry.where}: '{path}' does not exist")
        elif not is_readable(path):
            faults.append(f"{entry.where}: '{path}' has an unknown file format")
    return faults


def _ids(entries: list[_Entry], folder: Path) -> list[str]:
    """The "id" of each entry, else the name of its image, else its path where names are not unique."""
    names = [str(entry.values["id"]) if "id" in entry.values else _common_stem(entry.images) for entry in entries]
    twice = {name for name, count in Counter(names).items() if count > 1}
    return [
        _path_id(entry, folder) if name in twice and "id" not in entry.values else name
        for entry, name in zip(entries, names, strict=True)
    ]


def _common_stem(images: tuple[Path, ...]) -> str:
    """What file names share, in whole words: "P1" of P1_t1 and P1_t2; the folder's name if nothing."""
    words = [re.findall(r"[^_\-. ]+[_\-. ]*", study_stem(image)) for image in images]
    shared = [same[0] for same in takewhile(lambda column: len(set(column)) == 1, zip(*words, strict=False))]
    return "".join(shared).rstrip("_-. ") or images[0].parent.name


def _path_id(entry: _Entry, folder: Path) -> str:
    relative = Path(os.path.relpath(entry.images[0].parent, folder))
    stem = study_stem(entry.images[0]) if len(entry.images) == 1 else _common_stem(entry.images)
    parts = [part for part in relative.parts if part not in (".", "..")]
    return "_".join([*parts, *([stem] if [stem] != parts[-1:] else [])])


def _study(entry: _Entry, study_id: str, names: tuple[str, ...]) -> Study:
    if len(entry.images) == 1 and len(names) > 1:
        files = {name: ChannelFile(entry.images[0], n) for n, name in enumerate(names)}
    else:
        files = {name: ChannelFile(path) for name, path in zip(names, entry.images, strict=True)}
    return Study(study_id, str(entry.values.get("patient", study_id)), files, entry.label)


def _notes(entries: list[_Entry]) -> tuple[str, ...]:
    if any("fold" in entry.values for entry in entries):
        return ("the 'fold' numbers of the list are not used; medseg splits by patient itself",)
    return ()
