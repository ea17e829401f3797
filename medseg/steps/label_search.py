"""Which labels the references hold, where nobody has said what is to be scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medseg.core.errors import DatalistError, MedsegError
from medseg.core.labels import Label, LabelSet, bare_name
from medseg.core.types import LabelArray
from medseg.io.dicom_seg_frames import open_seg
from medseg.io.formats import reader_of
from medseg.steps.label_maps import LabelFile, LabelMaps

MOST_LABELS = 100  # whole-body atlases have up to about this many; a scan in whole numbers has more
_SHOWN = 3
WHAT_TO_DO = "Name the labels with --labels FILE, or give the --bundle that wrote them"


@dataclass(frozen=True)
class Held:
    """What one label map holds.

    Attributes:
        path: The file, for messages.
        values: Values other than 0 of a NIfTI file.
        segments: Names of the segments of a SEG, in their order.
        fault: Why it cannot be read; empty where it can.
    """

    path: str
    values: tuple[int, ...] = ()
    segments: tuple[str, ...] = ()
    fault: str = ""


def held_in(file: LabelFile) -> Held:
    """Values or segments of a label map."""
    try:
        if file.kind == "seg":
            return Held(str(file.path), segments=tuple(one.name for one in open_seg(file.path).segments))
        labels, _ = reader_of(file.path).label(file.path, instances=file.instances)
        return Held(str(file.path), values=tuple(values_in(labels)))
    except MedsegError as error:
        return Held(str(file.path), fault=str(error))


def search_labels(references: LabelMaps) -> LabelSet:
    """A label for each value, named by its number, or for each segment, that any reference has.

    References that cannot be read are passed over.

    Args:
        references: Read once, all of them.

    Raises:
        DatalistError: There is no label, there are too many, or some references are NIfTI and others SEG.
    """
    found = [held_in(file) for file in references.files.values()]
    title = f"References '{references.root}'"
    many = [f"'{one.path}' holds {len(one.values)} values" for one in found if len(one.values) > MOST_LABELS]
    raise_alike(
        f"{title} have more values than label maps, as images do; if they are no images, give --labels FILE", many
    )
    if all(one.fault for one in found):
        raise_alike(f"{title} hold no label map", [one.fault for one in found])
    values = {value for one in found for value in one.values}
    segments = {bare_name(name): name for one in reversed(found) for name in one.segments}
    if not values and not segments:
        raise DatalistError(f"{title}: every map is empty, so there is nothing to score. {WHAT_TO_DO}.")
    if values and segments:
        raise DatalistError(f"{title}: some number their labels, others name their segments. {WHAT_TO_DO}.")
    names = sorted(segments.values()) if segments else [str(value) for value in sorted(values)]
    if len(names) > MOST_LABELS:
        raise DatalistError(f"{title}: {len(names)} labels in all; up to {MOST_LABELS} are taken. {WHAT_TO_DO}.")
    numbers = range(1, len(names) + 1) if segments else sorted(values)
    return LabelSet(tuple(Label(name, number) for name, number in zip(names, numbers, strict=True)))


def declared_labels(names: Mapping[int, str]) -> LabelSet:
    """Labels as a dataset declares them, in the order of their values."""
    return LabelSet(tuple(Label(name, value) for value, name in sorted(names.items()) if value))


def values_in(labels: LabelArray) -> list[int]:
    """Values other than 0 that occur, ascending; slab by slab, since counting takes eight bytes a voxel."""
    counts = np.zeros(256, np.int64)
    for slab in labels:
        counts += np.bincount(slab[slab != 0], minlength=256)  # most voxels are background
    return [int(value) for value in np.flatnonzero(counts)]


def raise_alike(title: str, faults: Sequence[str]) -> None:
    """Raise over many files that are wrong in one way; the first few are shown, the others counted.

    Raises:
        DatalistError: There is at least one fault.
    """
    if faults:
        more = [f"  … and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
        raise DatalistError("\n".join([f"{title}:", *(f"  {one}" for one in faults[:_SHOWN]), *more]))
