"""Counts per slice are those of the label map, and measurements must be its own."""

import numpy as np
import pytest

from medseg.core.errors import OutputError
from medseg.runs.label_counts import check_measured, count_voxels, equal_regions
from medseg.runs.report_facts import Measurement


def _map() -> np.ndarray:
    labels = np.zeros((3, 4, 5), np.uint8)
    labels[0, 1:3, 2] = 1
    labels[2, 3, 4] = 4
    return labels


def _measured(name: str, *values: int, voxels: int) -> Measurement:
    return Measurement(name, values, voxels / 1000, voxels, is_region=len(values) > 1)


def test_each_slice_is_counted_along_each_axis() -> None:
    counts = count_voxels(_map(), [_measured("absent", 7, voxels=0)])
    assert [areas.shape for areas in counts] == [(3, 8), (4, 8), (5, 8)]
    assert counts[0][:, 1].tolist() == [2, 0, 0]
    assert counts[1][:, 1].tolist() == [0, 1, 1, 0]
    assert counts[2][:, 4].tolist() == [0, 0, 0, 0, 1]


def test_right_measurements_pass() -> None:
    measured = [_measured("a", 1, voxels=2), _measured("all", 1, 4, voxels=3), _measured("b", 2, voxels=0)]
    check_measured(count_voxels(_map(), measured), measured)


def test_wrong_measurements_are_all_named() -> None:
    measured = [_measured("a", 1, voxels=5)]
    with pytest.raises(OutputError, match=r"(?s)2 faults.*'a' was measured as 5.*holds 2.*value 4"):
        check_measured(count_voxels(_map(), measured), measured)


def test_a_region_with_one_label_found_is_that_label() -> None:
    measured = [
        _measured("a", 1, voxels=2),
        _measured("b", 2, voxels=0),
        _measured("a or b", 1, 2, voxels=2),
        _measured("all", 1, 2, 4, voxels=3),
        _measured("c", 3, voxels=0),
    ]
    assert equal_regions(count_voxels(_map(), measured), measured) == {2: "a"}
