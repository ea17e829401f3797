"""One label map, NIfTI or DICOM SEG: opened by its header, then read into classes on a grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medseg.core.errors import DatalistError, GeometryError
from medseg.core.types import LabelArray
from medseg.io.dicom_seg_frames import SegContent, open_seg
from medseg.io.dicom_seg_grid import off_grid, own_grid, shared_grid
from medseg.io.dicom_seg_place import PLANE_TOLERANCE_VOXELS, Grid
from medseg.io.dicom_seg_read import place_labels
from medseg.io.formats import reader_of
from medseg.steps.label_classes import Labels
from medseg.steps.label_grids import other_grid
from medseg.steps.label_maps import LabelFile
from medseg.steps.label_search import WHAT_TO_DO, values_in

_SHOWN = 5


@dataclass(frozen=True)
class OpenMap:
    """A label map whose voxels are not read yet.

    Attributes:
        file: Where it is.
        classes: Written value, or segment number, to class.
        grid: Of a NIfTI file; None for a SEG, which may be read on any grid that its frames lie on.
        content: Of a SEG.
    """

    file: LabelFile
    classes: Mapping[int, int]
    grid: Grid | None = None
    content: SegContent | None = None

    @property
    def own_grid(self) -> Grid:
        """Where it lies by itself.

        Raises:
            GeometryError: The frames of a SEG lie on no regular grid.
        """
        if self.content is not None:
            return own_grid(self.content)
        assert self.grid is not None
        return self.grid


def open_map(file: LabelFile, values: Mapping[int, int], labels: Labels) -> OpenMap:
    """A label map by its header.

    Args:
        file: Where it is.
        values: Written value of a NIfTI file to class.
        labels: What is scored.

    Raises:
        FileError: It cannot be read.
        GeometryError: It has no place in the patient, or several channels.
        DatalistError: A segment has an unknown name.
    """
    if file.kind == "seg":
        content = open_seg(file.path)
        try:
            return OpenMap(file, labels.of_segments({one.number: one.name for one in content.segments}), None, content)
        except DatalistError as error:
            raise DatalistError(f"'{file.path}': {error}") from None
    header = reader_of(file.path).header(file.path)
    if header.channels != 1:
        raise GeometryError(f"'{file.path}': a label map has one channel; this file has {header.channels}")
    return OpenMap(file, values, Grid(header.shape, header.affine_ras))


def common_grid(prediction: OpenMap, reference: OpenMap) -> Grid:
    """Voxels that both lie on: those of the NIfTI file, or for two SEGs the smallest grid that holds both.

    Raises:
        GeometryError: There is none; a sentence without a subject.
    """
    if prediction.content is not None and reference.content is not None:
        try:
            return shared_grid(reference.content, prediction.content)
        except GeometryError as error:
            raise GeometryError(f"is on another grid: {error}") from error
    grid = prediction.grid if reference.grid is None else reference.grid
    content = prediction.content or reference.content
    assert grid is not None
    if content is not None:
        fault = off_grid(content, grid)
        fault = f"is on another grid: {fault}" if fault else None
    else:
        own = prediction.own_grid
        fault = other_grid(own.shape, own.affine_ras, grid.shape, grid.affine_ras)
    if fault:
        raise GeometryError(fault)
    return grid


def read_classes(one: OpenMap, grid: Grid, labels: Labels) -> LabelArray:
    """Classes (I, J, K), uint8, in C order.

    Args:
        one: The label map.
        grid: That of ``common_grid``, or its own.
        labels: What is scored, for messages.

    Raises:
        FileError: The voxels are damaged or no labels, or segments of two labels overlap.
        GeometryError: Segmented voxels lie outside the grid.
        DatalistError: A value is not one of the labels.
    """
    if one.content is not None:
        return np.ascontiguousarray(place_labels(one.content, grid, PLANE_TOLERANCE_VOXELS, one.classes))
    instances = one.file.instances or labels.label_set.instances
    array, _ = reader_of(one.file.path).label(one.file.path, instances=instances)
    held = values_in(array)
    if fault := _value_fault(held, one.classes, labels):
        raise DatalistError(f"'{one.file.path}': {fault}")
    if all(one.classes[value] == value for value in held):
        return array
    table = np.zeros(256, np.uint8)
    table[list(one.classes)] = list(one.classes.values())
    for slab in array:  # an index array takes eight bytes a voxel
        inside = slab != 0
        slab[inside] = table[slab[inside]]
    return array


def _value_fault(held: Sequence[int], classes: Mapping[int, int], labels: Labels) -> str | None:
    strange = [value for value in held if value not in classes]
    if strange:
        known = ", ".join(f"{value} {labels.names[n]}" for value, n in sorted(classes.items()) if n)
        listed = ", ".join(str(value) for value in strange[:_SHOWN])
        more = f" and {len(strange) - _SHOWN} more" if len(strange) > _SHOWN else ""
        what = f"value {listed} is no label" if len(strange) == 1 else f"values {listed}{more} are no labels"
        return f"{what}; known are {known}. {WHAT_TO_DO}."
    for value in held:
        twins = [other for other in held if value < other and classes[other] == classes[value]]
        if twins:
            name = labels.names.get(classes[value], "background")
            return f"values {value} and {twins[0]} both mean {name}. {WHAT_TO_DO}."
    return None
