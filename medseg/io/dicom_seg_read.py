"""Read a DICOM segmentation (SEG) of any maker into a label map, on its own grid or on another's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from medseg.core.errors import FileError, GeometryError
from medseg.core.types import Affine, BoolArray, LabelArray, Shape
from medseg.io.dicom_geometry import TILT_LIMIT_PIXELS
from medseg.io.dicom_seg_frames import ReadSegment, SegContent, SegFrame, frame_pixels, open_seg
from medseg.io.dicom_seg_grid import own_grid
from medseg.io.dicom_seg_place import PLANE_TOLERANCE_VOXELS, Grid, Spot, grid_of, spot, window
from medseg.io.dicom_series import Series


@dataclass(frozen=True)
class SegFile:
    """A SEG as a label map.

    Attributes:
        labels: (I, J, K) uint8 of segment numbers; 0 where there is none.
        affine_ras: (4, 4), voxel (i, j, k) to RAS+ mm.
        segments: In order of their number, absent ones too.
        series_uids: Of the series it refers to.
        frame_of_reference_uid: Empty where absent.
    """

    labels: LabelArray
    affine_ras: Affine
    segments: tuple[ReadSegment, ...]
    series_uids: tuple[str, ...]
    frame_of_reference_uid: str

    def number_of(self, name: str) -> int | None:
        """Segment number of a label; None where there is none of that name."""
        return next((one.number for one in self.segments if one.name == name), None)


def read_seg(path: Path) -> SegFile:
    """A SEG on the regular grid of its own frames.

    Axis i runs along a row, j down the rows, k along the normal, from the first to the last frame that the file has:
    slices without any segment before and after are usually left out of it. ``read_seg_onto`` gives all slices.

    Args:
        path: Binary or label map, of any maker.

    Raises:
        FileError: Not such a SEG, damaged, or its segments overlap (then ``read_seg_masks`` reads it).
        GeometryError: Its frames lie on no regular grid.
    """
    content = open_seg(path)
    grid = own_grid(content)
    labels = place_labels(content, grid, max(PLANE_TOLERANCE_VOXELS, TILT_LIMIT_PIXELS))
    return SegFile(labels, grid.affine_ras, content.segments, content.series_uids, content.frame_of_reference_uid)


def read_seg_onto(
    path: Path, target: Series | tuple[Shape, Affine], *, tolerance_voxels: float = PLANE_TOLERANCE_VOXELS
) -> LabelArray:
    """A SEG on given voxels: segment numbers (I, J, K) as uint8; 0 where it has no frame.

    Frames may be mirrored or turned by right angles against the voxels, and smaller or larger than they are.

    Args:
        path: Binary or label map, of any maker.
        target: A series, each slice at its own position; or the shape and affine (RAS+) of a volume.
        tolerance_voxels: How far any corner of a frame may lie off.

    Raises:
        FileError: As ``read_seg``.
        GeometryError: A frame does not lie on the voxels, or segmented voxels lie outside.
    """
    return place_labels(open_seg(path), _grid(target), tolerance_voxels)


def read_seg_masks(path: Path, target: Series | tuple[Shape, Affine] | None = None) -> Mapping[int, BoolArray]:
    """Each segment as a mask (I, J, K), by its number; they may overlap.

    Args:
        path: Binary or label map, of any maker.
        target: As ``read_seg_onto``; None for the grid of ``read_seg``.

    Raises:
        FileError: As ``read_seg``, but for overlaps.
        GeometryError: As ``read_seg`` and ``read_seg_onto``.
    """
    content = open_seg(path)
    grid = own_grid(content) if target is None else _grid(target)
    tolerance = TILT_LIMIT_PIXELS if target is None else PLANE_TOLERANCE_VOXELS
    masks = {one.number: _zeros(grid.shape) for one in content.segments}
    for plane, at in _planes(content, grid, tolerance):
        for number in np.unique(plane[plane != 0]).tolist():
            part, inside = _window(content, masks[number], at, plane)
            np.copyto(part, 1, where=inside == number)
    return {number: mask.view(np.bool_) for number, mask in masks.items()}


def place_labels(
    content: SegContent, grid: Grid, tolerance_voxels: float, values: Mapping[int, int] | None = None
) -> LabelArray:
    """An open SEG on given voxels; see ``read_seg_onto``.

    Args:
        content: Of the file.
        grid: The voxels.
        tolerance_voxels: How far any corner of a frame may lie off.
        values: Segment number to what is written for it, 1 to 255. Segments that it does not name are left out and
            may overlap any other; segments of one value may overlap each other. None writes the numbers.

    Raises:
        FileError: As ``read_seg``.
        GeometryError: As ``read_seg_onto``.
    """
    written = {one.number: one.number for one in content.segments} if values is None else values
    table = np.zeros(256, np.uint8)
    table[list(written)] = list(written.values())
    labels = _zeros(grid.shape)
    for plane, at in _planes(content, grid, tolerance_voxels):
        part, inside = _window(content, labels, at, table[plane])
        clash = (part != 0) & (inside != 0) & (part != inside)
        if clash.any():
            names = {written[one.number]: one.name for one in content.segments if one.number in written}
            first, second = (names[int(one[clash][0])] for one in (part, inside))
            raise FileError(f"'{content.path}': segments '{first}' and '{second}' overlap, so they are no label map.")
        np.copyto(part, inside, where=inside != 0)
    return labels


def _planes(content: SegContent, grid: Grid, tolerance_voxels: float) -> Iterator[tuple[npt.NDArray[np.uint8], Spot]]:
    """Segment numbers (rows, columns) of each frame that has any, and where it belongs."""
    rows, columns = int(content.dataset.Rows), int(content.dataset.Columns)
    for n, (frame, pixels) in enumerate(zip(content.frames, frame_pixels(content), strict=True), 1):
        at = spot(frame, rows, columns, grid, tolerance_voxels)
        if isinstance(at, str):
            raise GeometryError(f"'{content.path}': frame {n} does not lie on the voxels: {at}.")
        yield _numbered(content, frame, pixels), at


def _numbered(content: SegContent, frame: SegFrame, pixels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    if frame.number is not None:
        return np.asarray((pixels != 0) * np.uint8(frame.number))
    known = np.zeros(int(pixels.max()) + 1, np.uint8)
    for number in (one.number for one in content.segments):
        known[number : number + 1] = number
    for value in np.unique(pixels).tolist():
        if known[value] == 0 and value not in content.background:
            raise FileError(f"'{content.path}': pixels of segment {value}, which it does not describe.")
    return np.asarray(known[pixels])


def _window(
    content: SegContent, target: LabelArray, at: Spot, plane: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    try:
        return window(target, at, plane)
    except GeometryError as error:
        raise GeometryError(f"'{content.path}': {error}. Give the grid it was drawn on.") from error


def _zeros(shape: Shape) -> LabelArray:
    """Planes of k lie together in memory, as frames come."""
    return np.zeros(tuple(shape)[::-1], np.uint8).transpose()


def _grid(target: Series | tuple[Shape, Affine]) -> Grid:
    return grid_of(target) if isinstance(target, Series) else Grid(*target)
