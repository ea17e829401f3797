"""Frames go to the voxels that their positions name, however those are turned; all else is refused."""

from pathlib import Path

import numpy as np
import pytest
from dicom_results import (
    AFFINE,
    Edit,
    edited,
    label_map,
    numbered,
    written_seg,
)
from pydicom import Dataset

from medseg.core.errors import GeometryError
from medseg.io.dicom_seg_read import read_seg_onto


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (1, 0, 2)])
@pytest.mark.parametrize("mirrored", [(), (0,), (1, 2), (0, 1, 2)])
def test_a_seg_is_read_onto_mirrored_and_turned_voxels(
    tmp_path: Path, axes: tuple[int, ...], mirrored: tuple[int, ...]
) -> None:
    path, series = written_seg(tmp_path)
    assert series.affine_ras is not None
    voxels, turned = numbered(label_map()), series.affine_ras[:, [*axes, 3]]
    voxels = voxels.transpose(axes)
    for axis in mirrored:
        voxels = np.flip(voxels, axis)
        turned[:3, 3] += turned[:3, axis] * (voxels.shape[axis] - 1)
        turned[:3, axis] *= -1
    assert np.array_equal(read_seg_onto(path, (voxels.shape, turned)), voxels)


def test_a_seg_is_read_onto_a_larger_grid_and_onto_a_smaller_one_that_holds_its_voxels(tmp_path: Path) -> None:
    path, series = written_seg(tmp_path)
    assert series.affine_ras is not None
    wide = series.affine_ras.copy()
    wide[:3, 3] -= wide[:3, :3] @ [2, 1, 3]
    expected = np.pad(numbered(label_map()), ((2, 4), (1, 0), (3, 1)))
    assert np.array_equal(read_seg_onto(path, (expected.shape, wide)), expected)
    narrow = series.affine_ras.copy()
    narrow[:3, 3] += narrow[:3, :3] @ [0, 1, 1]
    assert np.array_equal(read_seg_onto(path, ((9, 8, 5), narrow)), numbered(label_map())[:9, 1:, 1:6])


def test_segmented_voxels_outside_the_grid_are_refused(tmp_path: Path) -> None:
    path, _ = written_seg(tmp_path)
    with pytest.raises(GeometryError, match=r"segmented voxels lie outside the grid\. Give the grid it was drawn on"):
        read_seg_onto(path, ((11, 9, 4), AFFINE))


def move(axis: int, by_mm: float) -> Edit:
    def edit(seg: Dataset) -> None:
        place = seg.PerFrameFunctionalGroupsSequence[3].PlanePositionSequence[0]
        moved = [float(one) for one in place.ImagePositionPatient]
        moved[axis] += by_mm
        place.ImagePositionPatient = [f"{one:.6f}" for one in moved]

    return edit


def stretch(seg: Dataset) -> None:
    seg.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing = [1.1, 0.95]


def turn(seg: Dataset) -> None:
    orientation = seg.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0]
    cosines = np.array(orientation.ImageOrientationPatient, float).reshape(2, 3)
    row = np.cos(0.1) * cosines[0] + np.sin(0.1) * cosines[1]
    column = np.cos(0.1) * cosines[1] - np.sin(0.1) * cosines[0]
    orientation.ImageOrientationPatient = [f"{one:.9f}" for one in [*row, *column]]


@pytest.mark.parametrize("edit", [move(0, 0.4), move(1, -0.5), move(2, 1.5), stretch, turn])
def test_a_frame_off_the_voxels_is_refused(tmp_path: Path, edit: Edit) -> None:
    path, series = written_seg(tmp_path)
    edited(path, edit)
    with pytest.raises(GeometryError, match=r"frame \d does not lie on the voxels: a corner lies [\d.]+ voxels off"):
        read_seg_onto(path, series)
