"""Data whose label maps number objects (nuclei, lesions): every value above 0 is one and the same label."""

from __future__ import annotations

from dataclasses import replace

from medseg.core.errors import DatalistError
from medseg.core.study import Dataset


def as_instances(dataset: Dataset) -> Dataset:
    """The dataset with every value above 0 of its label maps read as 1; itself where it is read so already.

    Label files may then hold any whole numbers, beyond 255 too.

    Args:
        dataset: Names one label at most.

    Raises:
        DatalistError: It names several labels, so that values tell them apart.
    """
    if dataset.studies and all(study.instances for study in dataset.studies):
        return dataset
    names = list((dataset.label_names or {}).values())
    if len(names) > 1:
        raise DatalistError(
            f"Data '{dataset.root}' names the labels {', '.join(names)}; only the objects of a single label can be "
            "numbered"
        )
    return replace(
        dataset,
        studies=tuple(replace(study, instances=True) for study in dataset.studies),
        label_names={1: names[0]} if names else None,
        notes=(*dataset.notes, f"label values number objects; all above 0 are read as 1 {''.join(names)}".rstrip()),
    )
