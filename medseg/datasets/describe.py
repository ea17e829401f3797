"""What a dataset holds, in a few lines for the user."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from medseg.core.in_words import counted
from medseg.core.study import Dataset
from medseg.datasets.inspection import Inspection, StudyFacts
from medseg.io.formats import is_picture

_NAMES_SHOWN = 5  # study ids in one line


def describe(inspection: Inspection, dataset: Dataset) -> list[str]:
    """Lines for the user: layout, studies, channels, spacing, shapes, labels and notes.

    Args:
        inspection: What its files hold.
        dataset: What its layout says.
    """
    studies = inspection.studies
    patients = len({study.patient for study in dataset.studies})
    lines = [
        f"data      {dataset.layout}: '{dataset.root}'",
        f"studies   {len(dataset.studies)}, of {counted(patients, 'patient')}",
        f"channels  {', '.join(dataset.channel_names)}",
    ]
    if studies:
        pictures = all(is_picture(file.path) for study in dataset.studies for file in study.channels.values())
        spacing = "pixels; a picture has no size in mm" if pictures else _spacing(studies)
        lines += [f"spacing   {spacing}", f"shape     {_shapes(studies)}"]
    labelled = [study for study in studies if study.voxels is not None]
    if labelled:
        lines.append(f"labels    {_labels(labelled, dataset)}")
    return lines + [f"note      {note}" for note in (*dataset.notes, *_notes(studies))]


def _spacing(studies: Sequence[StudyFacts]) -> str:
    low, middle, high = _quantiles([study.spacing_mm for study in studies])
    if np.allclose(low, high, rtol=1e-3):
        return f"{_times(low)} mm"
    return f"{_times(low)} to {_times(high)} mm, median {_times(middle)}"


def _shapes(studies: Sequence[StudyFacts]) -> str:
    low, middle, high = _quantiles([study.shape for study in studies])
    if (low == high).all():
        return _times(low)
    return f"{_times(low)} to {_times(high)}, median {_times(middle)}"


def _quantiles(rows: Sequence[Sequence[float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Smallest, median and largest along each axis."""
    values = np.asarray(rows, float)
    return values.min(0), np.median(values, 0), values.max(0)


def _times(values: np.ndarray) -> str:
    return " x ".join(f"{value:.3g}" if value < 100 else f"{value:.0f}" for value in values)


def _labels(studies: Sequence[StudyFacts], dataset: Dataset) -> str:
    names = dataset.label_names or {}
    values = sorted({value for study in studies for value in study.voxels or {}} - {0})
    called = {value: f"{value} {names.get(value, '')}".rstrip() for value in values}
    return ", ".join(f"{called[value]} in {_count(studies, value)} of {len(studies)}" for value in values) or "none"


def _count(studies: Sequence[StudyFacts], value: int) -> int:
    return sum(value in (study.voxels or {}) for study in studies)


def _notes(studies: Sequence[StudyFacts]) -> list[str]:
    empty = [study.id for study in studies if study.voxels is not None and set(study.voxels) <= {0}]
    notes = [f"no labelled voxel in {_some(empty)}"] if empty else []
    same = defaultdict(list)
    for study in studies:
        same[study.digest].append(study.id)
    return notes + [f"the same files under several ids: {_some(ids)}" for ids in same.values() if len(ids) > 1]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + more
