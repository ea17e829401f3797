"""Channels of pictures: one where all are grey; red, green and blue where any has colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from medseg.core.errors import MedsegError
from medseg.core.labels import bare_name
from medseg.core.study import ChannelFile, Dataset, Study
from medseg.io.formats import is_picture, reader_of

COLOURS = ("red", "green", "blue")
_SHORT = ("r", "g", "b")  # as nnU-Net data sets call them


def with_colours(dataset: Dataset) -> Dataset:
    """The dataset with channels red, green and blue where any of its pictures has colours; otherwise as it is.

    Grey pictures among RGB ones are then read as three equal channels, with a note: what a grey picture shows is the
    same in colour, while colours made grey would be lost.

    Args:
        dataset: As its layout gives it. Only one whose studies are a picture each is changed.
    """
    if not _is_pictures(dataset) or not _may_be_colours(dataset.channel_names):
        return dataset
    has_colours = len(dataset.channel_names) > 1 or any(_channels(_file_of(s)) == len(COLOURS) for s in dataset.studies)
    return as_colours(dataset, COLOURS) if has_colours else dataset


def as_colours(dataset: Dataset, names: Sequence[str]) -> Dataset:
    """The dataset with each picture as three channels, a grey one as three equal ones; others as they are.

    Args:
        dataset: As ``with_colours`` takes it.
        names: What the three channels are called.
    """
    if not _is_pictures(dataset) or not _may_be_colours(dataset.channel_names):
        return dataset
    greys = {study.id for study in dataset.studies if _channels(_file_of(study)) == 1}
    note = f"{len(greys)} of {len(dataset.studies)} pictures are grey: read as {', '.join(names)} alike"
    return replace(
        dataset,
        studies=tuple(_coloured(study, names, grey=study.id in greys) for study in dataset.studies),
        channel_names=tuple(names),
        notes=(*dataset.notes, *([note] if greys else [])),
    )


def are_colours(names: Sequence[Sequence[str]]) -> bool:
    """Whether channels are red, green and blue in this order, by name or alias; R, G and B too."""
    plain = [{bare_name(name) for name in alike} for alike in names]
    return any(
        len(plain) == len(called) and all(name in alike for name, alike in zip(called, plain, strict=True))
        for called in (COLOURS, _SHORT)
    )


def _may_be_colours(names: Sequence[str]) -> bool:
    return len(names) == 1 or are_colours([(name,) for name in names])


def _is_pictures(dataset: Dataset) -> bool:
    return bool(dataset.studies) and all(
        len({channel.path for channel in study.channels.values()}) == 1 and is_picture(_file_of(study))
        for study in dataset.studies
    )


def _file_of(study: Study) -> Path:
    return next(iter(study.channels.values())).path


def _channels(path: Path) -> int | None:
    """Channels of a picture; None where it cannot be read, which is told when its pixels are."""
    try:
        return reader_of(path).header(path).channels
    except MedsegError:
        return None


def _coloured(study: Study, names: Sequence[str], *, grey: bool) -> Study:
    path = _file_of(study)
    return replace(study, channels={name: ChannelFile(path, n, grey) for n, name in enumerate(names)})
