"""The regular voxel grid that the frames of a SEG lie on, and the one that two SEGs share."""

from __future__ import annotations

import numpy as np

from medseg.core.errors import GeometryError
from medseg.core.types import FloatArray
from medseg.io.dicom_geometry import UNEVEN_LIMIT
from medseg.io.dicom_seg_frames import SegContent
from medseg.io.dicom_seg_place import PLANE_TOLERANCE_VOXELS, Grid, Spot, spot
from medseg.io.dicom_seg_source import lps

_SAME_PLANE_MM = 1e-2  # frames of several segments on one slice; printed positions differ by less
_SAME_COSINE = 1e-4
MAX_VOXELS = 2**31  # 2 GiB of labels; 1024 x 1024 x 2048, more than any scanner gives


def own_grid(content: SegContent) -> Grid:
    """Axis i along a row, j down the rows, k along the normal, from the first to the last frame.

    Raises:
        GeometryError: The frames lie on no regular grid.
    """
    first, frames = content.frames[0], content.frames
    cosines = np.array([one.rows_columns_lps for one in frames])
    if np.abs(cosines - cosines[0]).max() > _SAME_COSINE or len({one.pixel_spacing_mm for one in frames}) > 1:
        raise GeometryError(f"'{content.path}': its frames have several orientations or pixel spacings.")
    row, column = cosines[0].reshape(2, 3)
    normal = np.cross(row, column)
    positions = np.array([one.position_lps for one in frames])
    order = np.argsort(positions @ normal, kind="stable")
    depth = (positions @ normal)[order]
    step_mm = _step(content, np.diff(depth))
    count = round((depth[-1] - depth[0]) / step_mm) + 1
    shape = (int(content.dataset.Columns), int(content.dataset.Rows), count)
    _check_size(content, shape)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = row * first.pixel_spacing_mm[1], column * first.pixel_spacing_mm[0]
    affine[:3, 2], affine[:3, 3] = normal * step_mm, positions[order[0]]
    return Grid(shape, lps(affine))


def shared_grid(first: SegContent, second: SegContent) -> Grid:
    """The smallest grid that holds the frames of both: slices without any segment are left out of a SEG.

    The voxels are those of the first; where its frames lie too far apart to tell, of the second.

    Raises:
        GeometryError: A frame of one does not lie on the voxels of the other, or the frames of both lie on no
            regular grid.
    """
    faults = []
    for one in (first, second):
        try:
            grid = own_grid(one)
        except GeometryError as error:
            faults.append(str(error))
            continue
        corners = [_corners(content, grid) for content in (first, second)]
        if wrong := [found for found in corners if isinstance(found, str)]:
            faults.append(wrong[0])
            continue
        return _around(second, grid, np.concatenate(corners))
    raise GeometryError(faults[0])


def off_grid(content: SegContent, grid: Grid) -> str | None:
    """Why a SEG does not lie on a grid, in one sentence; None where each frame does. It may reach beyond the grid."""
    corners = _corners(content, grid)
    return corners if isinstance(corners, str) else None


def _corners(content: SegContent, grid: Grid) -> FloatArray | str:
    """Voxels (n, 3) of the first and last pixel of each frame, beyond the grid too; a phrase where one is on none."""
    rows, columns = int(content.dataset.Rows), int(content.dataset.Columns)
    corners = []
    for n, frame in enumerate(content.frames, 1):
        at = spot(frame, rows, columns, grid, PLANE_TOLERANCE_VOXELS)
        if isinstance(at, str):
            return f"'{content.path}': frame {n} does not lie on the voxels: {at}."
        corners += [at.start, _last(at, rows, columns)]
    return np.array(corners, np.float64)


def _last(at: Spot, rows: int, columns: int) -> tuple[int, ...]:
    last = list(at.start)
    last[at.axes[0]] += at.signs[0] * (columns - 1)
    last[at.axes[1]] += at.signs[1] * (rows - 1)
    return tuple(last)


def _around(content: SegContent, grid: Grid, voxels: FloatArray) -> Grid:
    low, high = voxels.min(axis=0), voxels.max(axis=0)
    affine = grid.affine_ras.copy()
    affine[:3, 3] = grid.affine_ras[:3, :3] @ low + grid.affine_ras[:3, 3]
    i, j, k = (int(n) for n in high - low + 1)
    _check_size(content, (i, j, k))
    return Grid((i, j, k), affine)


def _check_size(content: SegContent, shape: tuple[int, int, int]) -> None:
    if np.prod(np.array(shape, float)) > MAX_VOXELS:
        raise GeometryError(f"'{content.path}': its frames span {' x '.join(map(str, shape))} voxels; too many.")


def _step(content: SegContent, gaps_mm: FloatArray) -> float:
    """Distance of slices: as stated where the frames agree, else the smallest gap where all are multiples of it."""
    gaps = gaps_mm[gaps_mm > _SAME_PLANE_MM]
    stated = content.frames[0].spacing_mm
    for step in (stated, float(gaps.min()) if len(gaps) else None):
        if step and np.all(np.abs(gaps / step - np.rint(gaps / step)) <= UNEVEN_LIMIT):
            times = float(np.rint(gaps / step).sum())
            return float(gaps.sum()) / times if times else step
    if not len(gaps):
        raise GeometryError(f"'{content.path}': one slice, and nothing states how thick it is.")
    raise GeometryError(
        f"'{content.path}': its frames lie at uneven distances, {gaps.min():.4g} to {gaps.max():.4g} mm. "
        "Read it onto the series it was made from."
    )
