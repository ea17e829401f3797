"""Put the frames of a SEG where they belong on a voxel grid, and refuse those that do not lie on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from medseg.core.errors import GeometryError
from medseg.core.types import Affine, FloatArray, LabelArray, Shape
from medseg.io.dicom_seg_frames import SegFrame
from medseg.io.dicom_seg_source import lps
from medseg.io.dicom_series import Series

# How far any corner of a frame may be from the voxels it is read into: as far as the gate lets a slice be from its
# place on the regular grid. A frame of another grid is usually off by half a voxel.
PLANE_TOLERANCE_VOXELS = 0.1


@dataclass(frozen=True)
class Grid:
    """Where voxels are.

    Attributes:
        shape: (I, J, K).
        affine_ras: (4, 4).
        offsets: (K, 3) voxels that plane k lies off its place on the regular grid; None for none.
    """

    shape: Shape
    affine_ras: Affine
    offsets: FloatArray | None = None


@dataclass(frozen=True)
class Spot:
    """Which voxels the pixels of a frame are.

    Attributes:
        axes: Grid axis along columns (from left to right), along rows (from top to bottom), and across.
        signs: Whether the index grows (1) or falls (-1) along columns and rows.
        start: Voxel of the first pixel.
    """

    axes: tuple[int, int, int]
    signs: tuple[int, int]
    start: tuple[int, int, int]


def grid_of(series: Series) -> Grid:
    """The slices of a series, each at its own position.

    Raises:
        GeometryError: The series has no grid.
    """
    if series.shape is None or series.affine_ras is None:
        raise GeometryError(f"{series.name}: it was refused, so nothing can be placed on it")
    inverse = np.linalg.inv(lps(series.affine_ras))
    positions = np.array([one.position_lps for one in series.slices], np.float64)
    voxels = positions @ inverse[:3, :3].T + inverse[:3, 3]
    return Grid(series.shape, series.affine_ras, voxels - [[0, 0, k] for k in range(len(positions))])


def spot(frame: SegFrame, rows: int, columns: int, grid: Grid, tolerance_voxels: float) -> Spot | str:
    """Which voxels a frame is; in one phrase why it is none, where it is not on the grid."""
    inverse = np.linalg.inv(lps(grid.affine_ras))
    turn = inverse[:3, :3]
    cosines = np.array(frame.rows_columns_lps).reshape(2, 3)
    # One pixel to the right goes along a row by the distance of columns, one down by the distance of rows.
    right, down = turn @ cosines[0] * frame.pixel_spacing_mm[1], turn @ cosines[1] * frame.pixel_spacing_mm[0]
    exact = turn @ np.array(frame.position_lps) + inverse[:3, 3]
    along, across_rows = int(np.argmax(np.abs(right))), int(np.argmax(np.abs(down)))
    if along == across_rows:
        return "its pixels are turned against the voxels"
    if grid.offsets is not None and (along, across_rows) == (0, 1):
        k = int(np.clip(np.rint(exact[2]), 0, len(grid.offsets) - 1))
        exact = exact - grid.offsets[k]
    start = np.rint(exact).astype(int)
    signs = int(np.sign(right[along])), int(np.sign(down[across_rows]))
    steps = signs[0] * np.eye(3)[along] - right, signs[1] * np.eye(3)[across_rows] - down
    corners = [start - exact + c * steps[0] + r * steps[1] for c in (0, columns - 1) for r in (0, rows - 1)]
    worst = float(np.abs(corners).max())
    if worst > tolerance_voxels:
        return f"a corner lies {worst:.3g} voxels off (limit {tolerance_voxels:g})"
    return Spot((along, across_rows, 3 - along - across_rows), signs, (int(start[0]), int(start[1]), int(start[2])))


def window(
    target: LabelArray, at: Spot, pixels: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """The part of a target (I, J, K) that a frame covers, as a view (columns, rows), and the pixels that fall there.

    Raises:
        GeometryError: A pixel other than 0 falls outside.
    """
    columns_axis, rows_axis, across = at.axes
    block = pixels.T[:: at.signs[0], :: at.signs[1]]
    low = [
        at.start[axis] - (size - 1 if sign < 0 else 0)
        for axis, size, sign in zip((columns_axis, rows_axis), block.shape, at.signs, strict=True)
    ]
    sizes = (target.shape[columns_axis], target.shape[rows_axis])
    cut = tuple(
        slice(max(0, -first), max(0, min(n, size - first)))
        for first, n, size in zip(low, block.shape, sizes, strict=True)
    )
    inside = block[cut] if 0 <= at.start[across] < target.shape[across] else block[:0, :0]
    if np.count_nonzero(inside) != np.count_nonzero(block):
        raise GeometryError("segmented voxels lie outside the grid")
    if not inside.size:
        return inside, inside
    plane = np.moveaxis(target, at.axes, (0, 1, 2))[:, :, at.start[across]]
    place = tuple(slice(first + part.start, first + part.stop) for first, part in zip(low, cut, strict=True))
    return plane[place], inside
