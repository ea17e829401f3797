"""Studies in NIfTI files or pictures as jobs: datasets, study folders, single files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from medseg.bundle.read import Bundle
from medseg.core.errors import DatalistError, MedsegError
from medseg.core.study import ChannelFile, Study
from medseg.core.types import LabelArray
from medseg.core.verdict import ACCEPTED
from medseg.core.volume import Volume
from medseg.datasets.detect import read_dataset
from medseg.io.formats import reader_of
from medseg.io.study import read_study
from medseg.runs.report_facts import ReportChannel
from medseg.steps.data import matched
from medseg.steps.jobs import Job, Outcome, Scan, Worklist, failed


def nifti_jobs(bundle: Bundle, path: Path, say: Callable[[str], None]) -> Worklist:
    """Studies at a path, and outcomes of those of a folder of study folders that are incomplete.

    Raises:
        DatalistError: No study can be used; as ``read_dataset`` and ``matched``.
    """
    try:
        return Worklist(tuple(_jobs(bundle, path, say)))
    except MedsegError:
        jobs, outcomes = _one_by_one(bundle, path)
        if not jobs:
            raise
        return Worklist(tuple(jobs), tuple(outcomes))


def _jobs(bundle: Bundle, path: Path, say: Callable[[str], None]) -> list[Job]:
    dataset = matched(read_dataset(path), bundle)
    for note in dataset.notes:
        say(f"{path}: {note}")
    written = {index: value for value, index in bundle.labels.class_of_value().items()}
    wanted = {index: value for value, index in bundle.labels.class_of_value(dataset.label_names).items()}
    value_of = {written[index]: wanted.get(index, written[index]) for index in written}
    if len(set(value_of.values())) < len(value_of):
        raise DatalistError(
            f"'{path}' names only some labels, so two would be written as one value ({value_of}); name all or none"
        )
    return [
        Job(
            id=study.id,
            sources=tuple(study.files()),
            value_of=value_of,
            read=partial(_read, study),
            write_labels=partial(_write, study),
            label_ending=reader_of(_first(study)).label_ending,
            key=[[name, str(one.path), one.index, one.grey] for name, one in study.channels.items()],
        )
        for study in dataset.studies
    ]


def _one_by_one(bundle: Bundle, path: Path) -> tuple[list[Job], list[Outcome]]:
    """Studies of a folder of study folders in which some are incomplete: the good ones, and why the others fail."""
    jobs: list[Job] = []
    outcomes: list[Outcome] = []
    for folder in sorted(path.iterdir()) if path.is_dir() else []:
        if not folder.is_dir() or folder.name.startswith("."):
            continue
        try:
            found = _jobs(bundle, folder, lambda _: None)
            if [job.id for job in found] != [folder.name]:
                return [], []  # no folder of study folders: images/ or labels/ below it would be taken for studies
            jobs += found
        except MedsegError as error:
            outcomes.append(failed(folder.name, error))
    return jobs, outcomes


def _read(study: Study) -> Scan:
    volume = read_study(study)
    return Scan(volume, tuple(_channel(name, file, volume) for name, file in study.channels.items()))


def _channel(name: str, file: ChannelFile, volume: Volume) -> ReportChannel:
    place = "" if file.index is None else f", volume {file.index}"
    words = f"file {file.path.name}{place}"
    return ReportChannel(name, words, None, "", volume.shape, volume.spacing_mm, False, ACCEPTED)


def _write(study: Study, path: Path, labels: LabelArray, scan: Scan) -> None:
    assert labels.shape == scan.volume.shape
    like = _first(study)
    reader_of(like).write(path, labels, like=like)


def _first(study: Study) -> Path:
    return next(iter(study.channels.values())).path
