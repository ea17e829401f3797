"""BraTS folders: one folder per study, one file per channel, named until 2021 or from 2023 on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from medseg.core.errors import DatalistError, raise_faults
from medseg.core.study import ChannelFile, Dataset, Study
from medseg.datasets.listing import folders_in, scans_in
from medseg.io.formats import study_stem

CHANNELS = ("t1", "t1c", "t2", "flair")
_GRADES = {"HGG", "LGG"}  # folders around the study folders until 2019


@dataclass(frozen=True)
class Naming:
    """How one generation of BraTS names its files.

    Attributes:
        layout: In words for the user.
        separator: Between study id and part.
        parts: What follows the id, to channel name; "seg" is the label.
        labels: Written value to name.
        visit: What to cut off the id of a study for the id of its patient.
    """

    layout: str
    separator: str
    parts: Mapping[str, str]
    labels: Mapping[int, str]
    visit: re.Pattern[str]


_NEVER = re.compile(r"(?!)")
NAMINGS = (
    Naming(
        layout="BraTS folders, names until 2021",
        separator="_",
        parts={"t1": "t1", "t1ce": "t1c", "t2": "t2", "flair": "flair", "seg": "seg"},
        labels={1: "NCR", 2: "ED", 4: "ET"},
        visit=_NEVER,
    ),
    Naming(
        layout="BraTS folders, names from 2023",
        separator="-",
        parts={"t1n": "t1", "t1c": "t1c", "t2w": "t2", "t2f": "flair", "seg": "seg"},
        labels={1: "NCR", 2: "ED", 3: "ET"},
        visit=re.compile(r"-\d{3}$"),  # BraTS-GLI-00012-001 is the second visit of BraTS-GLI-00012
    ),
)


@dataclass(frozen=True)
class _Part:
    folder: Path
    study: str
    part: str
    path: Path


def is_brats(path: Path) -> bool:
    """Whether a folder, one in it, or one in its HGG or LGG holds two channels of one study."""
    return path.is_dir() and any(_is_study_folder(folder) for folder in _places(path))


def read_brats(path: Path) -> Dataset:
    """Studies of BraTS folders, of their parents HGG and LGG, or of one study folder.

    Raises:
        DatalistError: All studies with a missing or doubled channel; both generations in one folder.
    """
    places = _places(path)
    found = [(naming, list(_parts(places, naming))) for naming in NAMINGS]
    found = [(naming, parts) for naming, parts in found if parts]
    if len(found) > 1:
        one, other = (parts[0].path.name for _, parts in found)
        raise DatalistError(
            f"Data '{path}': names until 2021 ('{one}', label 4 is ET) and from 2023 ('{other}', label 3 is ET) "
            "are mixed; give them as two folders"
        )
    ((naming, parts),) = found
    grouped: dict[tuple[Path, str], list[_Part]] = {}
    for part in parts:
        grouped.setdefault((part.folder, part.study), []).append(part)
    faults = [fault for study in grouped.values() for fault in _faults(study, naming)]
    raise_faults(f"Data '{path}' ({naming.layout})", faults, DatalistError)
    studies = sorted((_study(study, naming) for study in grouped.values()), key=lambda study: study.id)
    notes = _notes(places, {part.path for part in parts}, studies)
    return Dataset(naming.layout, path, tuple(studies), CHANNELS, naming.labels, notes)


def _places(path: Path) -> list[Path]:
    children = folders_in(path)
    grades = [child for child in children if child.name.upper() in _GRADES]
    return [path, *children, *(study for grade in grades for study in folders_in(grade))]


def _is_study_folder(folder: Path) -> bool:
    for naming in NAMINGS:
        channels: dict[str, set[str]] = {}
        for part in _parts([folder], naming):
            channels.setdefault(part.study, set()).add(part.part)
        if any(len(parts - {"seg"}) >= 2 for parts in channels.values()):
            return True
    return False


def _parts(folders: Iterable[Path], naming: Naming) -> Iterable[_Part]:
    for folder in folders:
        for path in scans_in(folder):
            study, _, part = study_stem(path).rpartition(naming.separator)
            if study and part.lower() in naming.parts:
                yield _Part(folder, study, naming.parts[part.lower()], path)


def _faults(parts: list[_Part], naming: Naming) -> Iterable[str]:
    suffixes = {channel: part for part, channel in naming.parts.items()}
    study, folder = parts[0].study, parts[0].folder
    for channel, suffix in suffixes.items():
        files = [part.path.name for part in parts if part.part == channel]
        if not files and channel != "seg":
            wanted = folder / f"{study}{naming.separator}{suffix}.nii.gz"
            yield f"study '{study}': channel {channel} is missing ('{wanted}')"
        if len(files) > 1:
            yield f"study '{study}': channel {channel} is there {len(files)} times ({', '.join(files)}); keep one"


def _study(parts: list[_Part], naming: Naming) -> Study:
    paths = {part.part: part.path for part in parts}
    return Study(
        id=parts[0].study,
        patient=naming.visit.sub("", parts[0].study),
        channels={channel: ChannelFile(paths[channel]) for channel in CHANNELS},
        label=paths.get("seg"),
    )


def _notes(places: list[Path], used: set[Path], studies: list[Study]) -> tuple[str, ...]:
    unused = [path for folder in places for path in scans_in(folder) if path not in used]
    notes = [f"left aside, not named as a BraTS channel: {_some([path.name for path in unused])}"] if unused else []
    paediatric = [study.id for study in studies if "-ped-" in study.id.lower()]
    if paediatric:
        notes.append(
            "label values of BraTS-PED studies are read as in 2023 (1 NCR, 2 ED, 3 ET); "
            "the 2024 release numbers other tissues, do not mix it in"
        )
    return tuple(notes)


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
