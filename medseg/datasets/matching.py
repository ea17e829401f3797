"""Bring the channels of a dataset into the order and names of a bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from medseg.core.errors import DatalistError, raise_faults
from medseg.core.labels import bare_name
from medseg.core.study import Dataset, Study
from medseg.datasets.pictures import are_colours, as_colours


def match_channels(dataset: Dataset, wanted: Sequence[tuple[str, ...]]) -> Dataset:
    """The dataset with each study's channels renamed and reordered; channels not wanted are left out.

    Names are compared without case, spaces and punctuation. One wanted and one offered channel
    match whatever their names, with a note. Where red, green and blue are wanted, a picture gives all three.

    Args:
        dataset: As its layout names it.
        wanted: Per channel of the bundle its name, then its aliases.

    Raises:
        DatalistError: A wanted channel is not offered, or offered twice; names both lists.
    """
    if are_colours(wanted):
        dataset = as_colours(dataset, [names[0] for names in wanted])
    offered = dataset.channel_names
    chosen, notes = _choose(dataset, wanted)
    extra = [name for name in offered if name not in chosen.values()]
    if extra:
        notes.append(f"channels not used by the bundle: {', '.join(extra)}")
    return replace(
        dataset,
        studies=tuple(_renamed(study, chosen) for study in dataset.studies),
        channel_names=tuple(chosen),
        notes=(*dataset.notes, *notes),
    )


def _choose(dataset: Dataset, wanted: Sequence[tuple[str, ...]]) -> tuple[dict[str, str], list[str]]:
    """Bundle name to the dataset's name, and what to tell the user."""
    offered = dataset.channel_names
    found = {names[0]: _named(names, offered) for names in wanted}
    if len(wanted) == len(offered) == 1 and not found[wanted[0][0]]:
        name = wanted[0][0]
        return {name: offered[0]}, [f"channel '{offered[0]}' is taken as the bundle's only channel, '{name}'"]
    raise_faults(
        f"Data '{dataset.root}' has the channels {', '.join(offered)}; "
        f"the bundle takes {', '.join(names[0] for names in wanted)}",
        _faults(found, wanted),
        DatalistError,
    )
    return {name: matches[0] for name, matches in found.items()}, []


def _named(names: tuple[str, ...], offered: Sequence[str]) -> list[str]:
    plain = {bare_name(name) for name in names}
    return [name for name in offered if bare_name(name) in plain]


def _faults(found: Mapping[str, list[str]], wanted: Sequence[tuple[str, ...]]) -> list[str]:
    faults = []
    for names in wanted:
        matches = found[names[0]]
        if not matches:
            also = f" (also known as {', '.join(names[1:])})" if len(names) > 1 else ""
            faults.append(f"channel {names[0]} is missing{also}")
        if len(matches) > 1:
            faults.append(f"channel {names[0]} could be {' or '.join(matches)}; keep one")
    return faults


def _renamed(study: Study, chosen: Mapping[str, str]) -> Study:
    return replace(study, channels={name: study.channels[source] for name, source in chosen.items()})
