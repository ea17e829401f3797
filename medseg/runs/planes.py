"""Cut a volume along the planes a radiologist looks at, in radiological convention."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from medseg.core.geometry import axis_codes, is_picture_grid, spacing_of
from medseg.core.types import Affine, BoolArray

THINNEST_VOXELS = 6  # a plane with fewer rows or columns shows no anatomy
_WORLD_AXIS = {"R": 0, "L": 0, "A": 1, "P": 1, "S": 2, "I": 2}
Array = npt.NDArray[Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Plane:
    """How one plane lies on the page.

    Attributes:
        name: As its title reads.
        normal: Axis of a RAS volume it cuts.
        letters: Direction at the left, right, top and bottom edge; empty where there is no patient.
        unit: Of lengths in it.
    """

    name: str
    normal: int
    letters: tuple[str, str, str, str] | tuple[()]
    unit: str = "mm"


# The patient's right is on the left of the page, as if one stood at the feet; anterior or superior is up.
PLANES = (
    Plane("Axial", 2, ("R", "L", "A", "P")),
    Plane("Coronal", 1, ("R", "L", "S", "I")),
    Plane("Sagittal", 0, ("A", "P", "S", "I")),
)

PICTURE = Plane("Picture", 2, (), "px")  # a PNG or TIFF: it has neither directions nor millimetres


@dataclass(frozen=True)
class RasGrid:
    """A grid whose axes run to the patient's right, anterior and superior, as nearly as its voxels allow.

    Attributes:
        order: Axis of the file behind each RAS axis.
        flipped: Whether that axis runs the other way in the file.
        shape: Voxels along R, A, S.
        spacing_mm: Voxel size along R, A, S.
        planes: Along which it may be cut.
    """

    order: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    planes: tuple[Plane, ...] = PLANES

    def turn(self, array: Array) -> Array:
        """A volume (I, J, K) of the file as (R, A, S)."""
        turned = np.transpose(array, self.order)
        return turned[tuple(slice(None, None, -1 if flip else 1) for flip in self.flipped)]

    def voxel(self, index: tuple[int, int, int], axis: int) -> str:
        """Which slice of the file a plane is: "k = 76", counted from 0."""
        place = self.shape[axis] - 1 - index[axis] if self.flipped[axis] else index[axis]
        return f"{'ijk'[self.order[axis]]} = {place}"

    def caption(self, plane: Plane, index: tuple[int, int, int]) -> str:
        """Plane and slice, as the file counts it: "Axial, k = 76"."""
        return plane.name if plane is PICTURE else f"{plane.name}, {self.voxel(index, plane.normal)}"

    def caption_of_all(self, plane: Plane, index: tuple[int, int, int]) -> str:
        """The same with the last slice: "Axial, k = 76 of 0–154"."""
        last = "" if plane is PICTURE else f" of 0–{self.shape[plane.normal] - 1}"
        return f"{self.caption(plane, index)}{last}"


def _three(values: Iterable[T]) -> tuple[T, T, T]:
    first, second, third = values
    return first, second, third


def ras_grid(shape: tuple[int, ...], affine_ras: Affine) -> RasGrid:
    """How to turn a volume of this grid to its nearest RAS axes; no voxel is resampled."""
    codes = axis_codes(affine_ras)
    axes = [_WORLD_AXIS[code] for code in codes]
    order = _three(axes.index(world) for world in range(3))
    spacing = spacing_of(affine_ras)
    return RasGrid(
        order,
        flipped=_three(codes[axis] not in "RAS" for axis in order),
        shape=_three(shape[axis] for axis in order),
        spacing_mm=_three(spacing[axis] for axis in order),
        planes=(PICTURE,) if is_picture_grid(shape, affine_ras) else PLANES,
    )


@dataclass(frozen=True)
class Sheet:
    """One plane of a volume (R, A, S), as it is drawn.

    Attributes:
        plane: Which plane.
        index: A voxel it goes through.
        box: The part of the volume that is shown.
        spacing_mm: Voxel size along R, A, S.
    """

    plane: Plane
    index: tuple[int, int, int]
    box: tuple[slice, slice, slice]
    spacing_mm: tuple[float, float, float]

    def cut(self, array: Array) -> Array:
        """Pixels of a volume (R, A, S), rows from top to bottom of the page."""
        normal = self.plane.normal
        where = tuple(self.index[axis] if axis == normal else part for axis, part in enumerate(self.box))
        # Rows of the transposed section run upwards, its columns to the patient's right or front.
        section: Array = array[where].T[::-1, ::-1]
        return section

    @property
    def pixel_mm(self) -> tuple[float, float]:
        """Height and width of a pixel."""
        width, height = (size for axis, size in enumerate(self.spacing_mm) if axis != self.plane.normal)
        return height, width

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of pixels."""
        columns, rows = (part.stop - part.start for axis, part in enumerate(self.box) if axis != self.plane.normal)
        return rows, columns

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height."""
        rows, columns = self.shape
        height, width = self.pixel_mm
        return columns * width, rows * height


def most_foreground(mask: BoolArray) -> tuple[int, int, int]:
    """For each axis the slice that shows most of a mask; the middle one of equals.

    Returns:
        Indices along the three axes; the middle of the volume where the mask is empty.
    """
    return _three(_best_slice(mask, axis) for axis in range(3))


def fullest(areas: Array) -> int:
    """The slice with the largest of these areas; the middle one of equals."""
    equal = np.flatnonzero(areas == areas.max())
    return int(equal[len(equal) // 2])


def worth_drawing(sheets: list[Sheet]) -> list[Sheet]:
    """Without the edge-on views of a single slice or a thin slab; all of them where nothing else is left."""
    return [sheet for sheet in sheets if min(sheet.shape) >= THINNEST_VOXELS] or sheets


def body_box(mask: BoolArray, margin: int = 4) -> tuple[slice, slice, slice]:
    """The part of a volume that holds a mask, and a few voxels around it; all of it where the mask is empty."""
    return _three(_extent(mask, axis, margin) for axis in range(3))


def _extent(mask: BoolArray, axis: int, margin: int) -> slice:
    held = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
    if held.size == 0:
        return slice(0, mask.shape[axis])
    return slice(max(0, int(held[0]) - margin), min(mask.shape[axis], int(held[-1]) + 1 + margin))


def _best_slice(mask: BoolArray, axis: int) -> int:
    if not mask.any():
        return int(mask.shape[axis]) // 2
    return fullest(mask.sum(axis=tuple(other for other in range(3) if other != axis)))
