"""Two SEGs share a grid that holds the frames of both, where they lie on one lattice."""

from pathlib import Path

import numpy as np
import pytest
from dicom_results import AFFINE, ALGORITHM, CODED, label_map, numbered, small_series

from medseg.core.errors import GeometryError
from medseg.io.dicom_seg import write_seg
from medseg.io.dicom_seg_frames import SegContent, open_seg
from medseg.io.dicom_seg_grid import off_grid, own_grid, shared_grid
from medseg.io.dicom_seg_place import PLANE_TOLERANCE_VOXELS, Grid
from medseg.io.dicom_seg_read import place_labels


def written(folder: Path, labels: np.ndarray, affine: np.ndarray = AFFINE) -> SegContent:
    series = small_series(folder / "ct", affine)
    write_seg(folder / "seg.dcm", labels, series, CODED, algorithm=ALGORITHM)
    return open_seg(folder / "seg.dcm")


def only(*slices: int) -> np.ndarray:
    labels = label_map()
    labels[:, :, [k for k in range(labels.shape[2]) if k not in slices]] = 0
    return labels


def test_the_grid_holds_the_slices_of_both(tmp_path: Path) -> None:
    first, second = written(tmp_path / "a", only(1, 2)), written(tmp_path / "b", only(4, 5))
    grid = shared_grid(first, second)
    assert grid.shape == (11, 9, 5)
    assert np.allclose(grid.affine_ras[:3, 3], (AFFINE @ [0, 0, 1, 1])[:3], atol=1e-5)
    for content, labels in ((first, only(1, 2)), (second, only(4, 5))):
        placed = place_labels(content, grid, PLANE_TOLERANCE_VOXELS)
        assert np.array_equal(placed, numbered(labels)[:, :, 1:6])


def test_a_series_stacked_the_other_way_shares_the_grid(tmp_path: Path) -> None:
    turned = AFFINE @ np.diag([-1.0, 1, 1, 1])
    turned[:3, 3] = (AFFINE @ [10, 0, 0, 1])[:3]  # the same voxels, i from the other end
    first, second = written(tmp_path / "a", only(1, 2)), written(tmp_path / "b", only(3)[::-1], turned)
    grid = shared_grid(first, second)
    assert grid.shape == (11, 9, 3)
    placed = [place_labels(content, grid, PLANE_TOLERANCE_VOXELS) for content in (first, second)]
    assert np.array_equal(placed[0] + placed[1], numbered(only(1, 2, 3))[:, :, 1:4])


def test_slices_far_apart_take_the_voxels_of_the_other(tmp_path: Path) -> None:
    first, second = written(tmp_path / "a", only(1, 4)), written(tmp_path / "b", only(2, 3))
    measures = first.dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    del measures.SpacingBetweenSlices, measures.SliceThickness  # nothing states that they are 3 mm
    first.dataset.save_as(tmp_path / "bare.dcm")
    bare = open_seg(tmp_path / "bare.dcm")
    assert own_grid(bare).shape[2] == 2
    assert shared_grid(bare, second).shape == (11, 9, 4)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_shift_by_half_a_voxel_is_another_grid(tmp_path: Path, axis: int) -> None:
    shifted = AFFINE.copy()
    shifted[:3, 3] += 0.5 * AFFINE[:3, axis]
    first, second = written(tmp_path / "a", label_map()), written(tmp_path / "b", label_map(), shifted)
    with pytest.raises(
        GeometryError, match=r"b/seg.dcm': frame 1 does not lie on the voxels: a corner lies 0.5 voxels"
    ):
        shared_grid(first, second)


def test_a_seg_may_reach_beyond_a_grid_that_it_lies_on(tmp_path: Path) -> None:
    content = written(tmp_path, label_map())
    assert off_grid(content, Grid((2, 2, 2), AFFINE)) is None
    assert "does not lie on the voxels" in str(off_grid(content, Grid((2, 2, 2), np.eye(4))))


def test_segments_become_the_values_asked_for_and_others_are_left_out(tmp_path: Path) -> None:
    content = written(tmp_path, label_map())
    placed = place_labels(content, Grid((11, 9, 7), AFFINE), PLANE_TOLERANCE_VOXELS, {1: 9, 3: 9})
    assert np.array_equal(placed, np.where(np.isin(label_map(), [1, 4]), 9, 0))
