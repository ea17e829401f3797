"""Look at every file of a dataset before anything is computed with it, and tell all faults at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from pathlib import Path

from medseg.core.errors import DatalistError
from medseg.core.files import digest_of
from medseg.core.geometry import grid_difference, spacing_of
from medseg.core.labels import LabelSet
from medseg.core.study import Dataset, Study
from medseg.datasets.describe import describe
from medseg.datasets.file_facts import FileFacts, Role, look_at_files
from medseg.datasets.inspection import Inspection, StudyFacts
from medseg.io.formats import is_picture
from medseg.io.label_values import INSTANCES_CURE

__all__ = ["Inspection", "StudyFacts", "describe", "inspect_dataset"]


def inspect_dataset(
    dataset: Dataset,
    labels: LabelSet | None,
    *,
    need_labels: bool,
    cache: Path | None,
    seen: Callable[[int, int], None] | None = None,
) -> Inspection:
    """Read every file of a dataset once and check it, also against a bundle's labels; raises nothing for bad data.

    Args:
        dataset: With the channels that will be used.
        labels: What the bundle knows; None where there is no bundle: any value is right.
        need_labels: Every study must have a label; where not, label files are not opened.
        cache: JSON file that remembers files by path, size and time of change; None reads all.
        seen: Called with the number of files looked at and of all.
    """
    facts = look_at_files(_files(dataset, need_labels), cache=cache, seen=seen)
    classes, general = _classes(dataset, labels) if need_labels and labels else (None, ())
    known = _known(labels, classes or {}) if labels else ""
    sound, faults_of = [], {}
    for study in dataset.studies:
        faults = list(_study_faults(study, facts, need_labels))
        if classes is not None and study.label is not None:
            faults += _value_faults(study.label, facts[_role(study), study.label], classes, known)
        if faults:
            faults_of[study.id] = tuple(faults)
        else:
            sound.append(_study_facts(study, facts, need_labels))
    digest = digest_of(sorted((study.id, study.digest) for study in sound))
    return Inspection(tuple(sound), faults_of, general, digest)


def _files(dataset: Dataset, need_labels: bool) -> Iterator[tuple[Role, Path]]:
    for study in dataset.studies:
        for channel in study.channels.values():
            yield "image", channel.path
        if need_labels and study.label is not None:
            yield _role(study), study.label


def _role(study: Study) -> Role:
    return "instances" if study.instances else "label"


def _classes(dataset: Dataset, labels: LabelSet) -> tuple[dict[int, int] | None, tuple[str, ...]]:
    try:
        return labels.class_of_value(dataset.label_names), ()
    except DatalistError as error:
        return None, (str(error),)


def _known(labels: LabelSet, classes: Mapping[int, int]) -> str:
    """The values a label map may hold, in words: "1 NCR, 2 ED, 4 ET"."""
    return ", ".join(f"{value} {labels.labels[n - 1].name}" for value, n in sorted(classes.items()) if n > 0)


def _study_faults(study: Study, facts: Mapping[tuple[Role, Path], FileFacts], need_labels: bool) -> Iterator[str]:
    yield from _same_file_faults(study)
    grids: dict[str, FileFacts] = {}
    for name, channel in study.channels.items():
        found = facts["image", channel.path]
        if found.fault:
            yield found.fault
        elif (channel.index is None or channel.grey) and found.channels != 1:
            cure = "; save it as grey" if is_picture(channel.path) else ""
            yield f"'{channel.path}': holds {found.channels} channels; one is expected{cure}"
        elif not channel.grey and channel.index is not None and channel.index >= found.channels:
            yield f"'{channel.path}': holds {found.channels} channel(s); {name} would be number {channel.index + 1}"
        else:
            grids[f"channel {name}"] = found
    if need_labels and study.label is None:
        yield f"study '{study.id}': has no label file"
    if need_labels and study.label is not None:
        found = facts[_role(study), study.label]
        if found.fault:
            yield found.fault
        else:
            grids[f"label '{study.label}'"] = found
    yield from _grid_faults(study, grids)


def _same_file_faults(study: Study) -> Iterator[str]:
    used = {f"channel {name}": (channel.path.resolve(), channel.index) for name, channel in study.channels.items()}
    if study.label is not None:
        used["the label"] = (study.label.resolve(), None)
    for one, other in combinations(used, 2):
        if used[one] == used[other]:
            yield f"study '{study.id}': {one} and {other} are the same file '{used[one][0]}'"


def _grid_faults(study: Study, grids: Mapping[str, FileFacts]) -> Iterator[str]:
    if not grids:
        return
    (first, grid), *others = grids.items()
    for name, other in others:
        difference = grid_difference(grid.shape, grid.affine, other.shape, other.affine)
        if difference:
            yield (
                f"study '{study.id}': {name} lies on another grid than {first}: {difference}; "
                "register and resample them onto one grid"
            )


def _value_faults(label: Path, found: FileFacts, classes: Mapping[int, int], known: str) -> list[str]:
    unknown = {value: count for value, count in (found.voxels or {}).items() if value not in classes}
    listed = [f"'{label}': label value {value} in {count} voxels" for value, count in unknown.items()]
    cure = f"; {INSTANCES_CURE}" if len(classes) == 2 else ""  # background and one label
    return [f"{fault}; the bundle knows {known}{cure}" for fault in listed]


def _study_facts(study: Study, facts: Mapping[tuple[Role, Path], FileFacts], need_labels: bool) -> StudyFacts:
    channels = [(channel, facts["image", channel.path]) for channel in study.channels.values()]
    label = facts[_role(study), study.label] if need_labels and study.label is not None else None
    digests = [[found.digest, channel.index] for channel, found in channels]
    grid = channels[0][1]
    return StudyFacts(
        id=study.id,
        shape=grid.shape,
        spacing_mm=spacing_of(grid.affine),
        voxels=label.voxels if label else None,
        digest=digest_of([digests, label.digest if label else None]),
    )
