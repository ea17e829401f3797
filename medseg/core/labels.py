"""What a model tells apart: labels that exclude each other, and regions that are unions of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from medseg.core.errors import DatalistError
from medseg.core.types import BoolArray, LabelArray


@dataclass(frozen=True)
class Label:
    """One exclusive class.

    Attributes:
        name: As reports show it.
        value: Written to label maps where the input follows no other convention.
        aliases: Other names datasets use for it.
        instances: Label maps number its objects: every value above 0 is this label. Then it is the only one.
    """

    name: str
    value: int
    aliases: tuple[str, ...] = ()
    instances: bool = False


@dataclass(frozen=True)
class LabelSet:
    """Labels in the order of the network's classes (class 0 is background), and their unions.

    Attributes:
        labels: The label at position n is class n + 1.
        regions: Region name to the names of the labels it joins.
    """

    labels: tuple[Label, ...]
    regions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def instances(self) -> bool:
        """Whether label maps number the objects of the one label, so that every value above 0 is that label."""
        return any(label.instances for label in self.labels)

    def class_of_value(self, label_names: Mapping[int, str] | None = None) -> dict[int, int]:
        """Written value to class index, background (0 to 0) included.

        Args:
            label_names: What the dataset calls its values; None takes the bundle's own values.

        Raises:
            DatalistError: A name is not one of this label set's, or two values have one name.
        """
        if label_names is None:
            return {0: 0} | {label.value: n + 1 for n, label in enumerate(self.labels)}
        by_name = {
            bare_name(name): n + 1 for n, label in enumerate(self.labels) for name in (label.name, *label.aliases)
        }
        classes = {0: 0}
        for value, name in sorted(label_names.items()):
            if value == 0:
                continue
            if bare_name(name) not in by_name:
                known = ", ".join(label.name for label in self.labels)
                raise DatalistError(f"the data calls label {value} '{name}'; the bundle knows {known}")
            if by_name[bare_name(name)] in classes.values():
                raise DatalistError(f"the data gives label '{name}' two values, {value} among them")
            classes[value] = by_name[bare_name(name)]
        return classes

    def masks(self, classes: LabelArray) -> dict[str, BoolArray]:
        """Boolean mask (I, J, K) of each label and region of a map of class indices.

        Where the bundle declares regions these alone are scored; otherwise the labels.
        """
        index = {label.name: n + 1 for n, label in enumerate(self.labels)}
        if not self.regions:
            return {name: classes == n for name, n in index.items()}
        return {region: np.isin(classes, [index[name] for name in names]) for region, names in self.regions.items()}

    @property
    def scored(self) -> tuple[str, ...]:
        """Names of what ``masks`` gives, in order."""
        return tuple(self.regions) if self.regions else tuple(label.name for label in self.labels)


def values_in(labels: LabelArray) -> set[int]:
    """Which values a label map holds; slab by slab, since counting takes eight bytes a voxel."""
    counts = np.zeros(256, np.int64)
    for slab in labels:
        counts += np.bincount(slab.ravel(), minlength=256)
    return set(np.flatnonzero(counts).tolist())


def map_values(array: LabelArray, mapping: Mapping[int, int]) -> LabelArray:
    """Replace each value of ``array`` by ``mapping[value]``.

    Raises:
        DatalistError: The array holds a value that the mapping does not name; to drop it would erase a label.
    """
    unknown = sorted(values_in(array) - set(mapping))
    if unknown:
        raise DatalistError(
            f"label value {unknown[0]} is not one of {', '.join(str(value) for value in sorted(mapping))}"
        )
    table = np.zeros(256, np.uint8)
    for source, target in mapping.items():
        table[source] = target
    return table[array]


def bare_name(name: str) -> str:
    """Letters and digits of a name, in one case: by these two spellings are one name."""
    return "".join(ch for ch in name.casefold() if ch.isalnum())


def voxels_of(labels: LabelArray, values: Iterable[int]) -> dict[int, int]:
    """How many voxels have each of these values; value by value, which needs a byte per voxel and not eight."""
    return {value: int(np.count_nonzero(labels == value)) for value in values}
