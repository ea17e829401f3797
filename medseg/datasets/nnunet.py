"""nnU-Net raw folders: imagesTr/X_0000.nii.gz, one file per channel, and a dataset.json."""

from __future__ import annotations

import re
from pathlib import Path

from medseg.core.errors import DatalistError, raise_faults
from medseg.core.study import ChannelFile, Dataset, Study
from medseg.datasets.dataset_json import FILE_NAME, channel_names_of, description_in, instances_of, label_names_of
from medseg.datasets.instances import as_instances
from medseg.datasets.listing import scans_in
from medseg.datasets.two_sides import with_two_sides
from medseg.io.formats import READERS, format_of, is_picture, study_stem

RGB = 3
_NUMBERED = re.compile(r"(?P<study>.+)_(?P<channel>\d{4})")


def is_nnunet(path: Path) -> bool:
    """Whether a folder has a dataset.json and numbered channel files that it does not list by name."""
    description = description_in(path) if path.is_dir() else None
    if description is None or not any(_numbered(path / part) for part in ("imagesTr", "imagesTs")):
        return False
    listed = description.get("training")
    first = listed[0] if isinstance(listed, list) and listed else {}
    image = first.get("image") if isinstance(first, dict) else None
    # Version 1 lists "imagesTr/X.nii.gz" where the files are imagesTr/X_0000.nii.gz; the Decathlon lists real files.
    return not (isinstance(image, str) and (path / image).is_file())


def read_nnunet(path: Path) -> Dataset:
    """Labelled studies of imagesTr and unlabelled ones of imagesTs.

    Raises:
        DatalistError: All missing channels and labels; regions in place of labels; other file formats.
    """
    description = description_in(path) or {}
    names = channel_names_of(description)
    if not names:
        raise DatalistError(f"'{path / FILE_NAME}': no 'channel_names'; write {{\"0\": \"T1\"}} or the like")
    ending = str(description.get("file_ending", ".nii.gz"))
    if ending not in READERS:
        raise DatalistError(f"'{path / FILE_NAME}': file_ending is '{ending}'; {', '.join(READERS)} are read")
    faults: list[str] = []
    studies = [*_studies(path, "Tr", names, faults), *_studies(path, "Ts", names, faults)]
    try:
        labels, instances = label_names_of(description), instances_of(description)
    except DatalistError as error:
        faults.append(f"{FILE_NAME}: {error}")
        labels, instances = None, False
    raise_faults(f"Data '{path}' (nnU-Net raw folder)", faults, DatalistError)
    dataset = Dataset("nnU-Net raw folder", path, tuple(sorted(studies, key=lambda s: s.id)), names, labels)
    dataset = with_two_sides(dataset, description)
    return as_instances(dataset) if instances else dataset


def _numbered(folder: Path) -> dict[str, dict[int, Path]]:
    """Study to channel number to file."""
    found: dict[str, dict[int, Path]] = {}
    for path in scans_in(folder) if folder.is_dir() else []:
        match = _NUMBERED.fullmatch(study_stem(path))
        if match:
            found.setdefault(match["study"], {})[int(match["channel"])] = path
    return found


def _studies(path: Path, part: str, names: tuple[str, ...], faults: list[str]) -> list[Study]:
    labels = {study_stem(file): file for file in scans_in(path / "labelsTr")} if part == "Tr" else {}
    studies = []
    for study, files in _numbered(path / f"images{part}").items():
        if part == "Tr" and study not in labels:
            faults.append(f"study '{study}': labelsTr/{study}{format_of(min(files.values()))} is missing")
        if len(names) == RGB and set(files) == {0} and is_picture(files[0]):  # one RGB picture holds all three
            channels = {name: ChannelFile(files[0], n) for n, name in enumerate(names)}
            studies.append(Study(study, study, channels, labels.get(study)))
            continue
        missing = [f"{names[n]} (_{n:04d})" for n in range(len(names)) if n not in files]
        unnamed = [f"_{n:04d}" for n in sorted(files) if n >= len(names)]
        faults += [f"study '{study}': channel {channel} is missing in images{part}" for channel in missing]
        faults += [f"study '{study}': channel {channel} has no name in {FILE_NAME}" for channel in unnamed]
        if not missing:
            channels = {name: ChannelFile(files[n]) for n, name in enumerate(names)}
            studies.append(Study(study, study, channels, labels.get(study)))
    return studies
