"""How many voxels of each label lie in each slice, and whether measurements agree with them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from medseg.core.errors import OutputError, raise_faults
from medseg.core.types import LabelArray
from medseg.runs.report_facts import Measurement

VoxelCounts = tuple[npt.NDArray[np.int64], ...]  # for each axis (slices, values)


def count_voxels(labels: LabelArray, measurements: Sequence[Measurement]) -> VoxelCounts:
    """Voxels of each value in each slice along each axis; one pass, however many labels there are.

    Args:
        labels: Label map (I, J, K).
        measurements: Their values have a column each, whether they were found or not.
    """
    values = 1 + max([int(labels.max(initial=0)), *(value for one in measurements for value in one.values)])
    return tuple(
        np.stack([np.bincount(section.ravel(), minlength=values) for section in np.moveaxis(labels, axis, 0)])
        for axis in range(3)
    )


def check_measured(counts: VoxelCounts, measurements: Sequence[Measurement]) -> None:
    """Refuse measurements that are not those of the label map.

    Raises:
        OutputError: A number of voxels differs, or a value of the label map is in no measurement.
    """
    voxels = counts[0].sum(axis=0)
    faults = []
    for one in measurements:
        held = int(voxels[list(one.values)].sum())
        if held != one.voxels:
            faults.append(f"'{one.name}' was measured as {one.voxels} voxels, the label map holds {held}")
    named = {0} | {value for one in measurements for value in one.values}
    unnamed = set(np.flatnonzero(voxels).tolist()) - named
    faults += [f"value {value} of the label map is in no measurement" for value in sorted(unnamed)]
    raise_faults("The report's measurements and its label map; measure the map that is written", faults, OutputError)


def equal_regions(counts: VoxelCounts, measurements: Sequence[Measurement]) -> dict[int, str]:
    """Position of each measurement that holds just the voxels of an earlier one, and the earlier one's name."""
    present = set(np.flatnonzero(counts[0].sum(axis=0)).tolist())
    first: dict[frozenset[int], str] = {}
    equal = {}
    for number, one in enumerate(measurements):
        held = frozenset(present & set(one.values))
        if held in first and held:
            equal[number] = first[held]
        first.setdefault(held, one.name)
    return equal
