"""Which planes of a study its gallery shows, and how much of each: through the largest error, around the labels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from medseg.metrics.boxes import Box, box_of, join
from medseg.runs.evaluation_facts import StudyMaps
from medseg.runs.planes import THINNEST_VOXELS, Plane, RasGrid, Sheet, worth_drawing

MARGIN_MM, MARGIN_SHARE = 6.0, 0.12  # around the labels, the larger of both: enough to tell where one is
LEAST_MM = 40.0  # of a plane: a lesion of one voxel needs anatomy around it
MOST_MM = 180.0  # of a plane; of labels that reach further only the surroundings of the error can be seen
NARROWEST = 0.6  # short to long side, so that a spinal cord is no thread


def planes_through(maps: StudyMaps, grid: RasGrid, site: tuple[int, int, int]) -> list[Sheet]:
    """The planes through a voxel of the file, each cut to the labels; edge-on views of a slab are left out."""
    index = ras_index(grid, site)
    whole = tuple(slice(0, length) for length in grid.shape)
    sheets = [Sheet(plane, index, (whole[0], whole[1], whole[2]), grid.spacing_mm) for plane in grid.planes]
    shown = worth_drawing(sheets)
    held = join(box_of(grid.turn(labels)) for labels in (maps.prediction, maps.reference) if labels is not None)
    return [Sheet(one.plane, index, _part(one.plane, held or whole, index, grid), grid.spacing_mm) for one in shown]


def ras_index(grid: RasGrid, site: Sequence[int]) -> tuple[int, int, int]:
    """Index of a voxel of the file along R, A and S."""
    found = [site[axis] for axis in grid.order]
    r, a, s = (
        length - 1 - here if flip else here for here, flip, length in zip(found, grid.flipped, grid.shape, strict=True)
    )
    return r, a, s


def _part(plane: Plane, held: Box, index: tuple[int, int, int], grid: RasGrid) -> tuple[slice, slice, slice]:
    sizes_mm = [(span.stop - span.start) * edge for span, edge in zip(held, grid.spacing_mm, strict=True)]
    margin_mm = max(MARGIN_MM, MARGIN_SHARE * max(sizes_mm))
    wanted_mm = [min(size + 2 * margin_mm, MOST_MM) for size in sizes_mm]
    least_mm = max(LEAST_MM, NARROWEST * max(wanted_mm[axis] for axis in range(3) if axis != plane.normal))
    r, a, s = (
        _span(held[axis], max(wanted_mm[axis], least_mm) / grid.spacing_mm[axis], index[axis], grid.shape[axis])
        for axis in range(3)
    )
    return r, a, s


def _span(held: slice, voxels: float, here: int, length: int) -> slice:
    """So many voxels of an axis: around the labels where all of them fit, otherwise around the error."""
    count = min(length, max(math.ceil(voxels), THINNEST_VOXELS))
    fits = held.stop - held.start <= count
    middle = (held.start + held.stop) / 2 if fits else here + 0.5
    start = int(np.clip(round(middle - count / 2), 0, length - count))
    if not fits:  # no further than the labels reach
        start = int(np.clip(start, held.start, held.stop - count))
    start = min(max(start, here - count + 1), here)
    return slice(start, start + count)
