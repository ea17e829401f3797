"""Where in an image something is: the smallest boxes that hold it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from medseg.core.types import BoolArray, LabelArray
from medseg.metrics.lattice import Positions

Box = tuple[slice, ...]

_RUN_VOXELS = 1 << 20  # voxels looked at together: what is made of them stays small, whatever the image


def box_of(image: BoolArray | LabelArray) -> Box | None:
    """Smallest box that holds all voxels that are not 0; None if there is none. Copies nothing of the image."""
    if not image.size:
        return None
    # In one call where the planes are lines of memory, which is quicker than plane by plane.
    planes = image.reshape(len(image), -1).max(axis=1) if image.flags.c_contiguous else [p.max() for p in image]
    first = _span(np.asarray(planes))
    if first is None:
        return None
    shadow = np.bitwise_or.reduce(image[first], axis=0)
    others = box_of(shadow) if shadow.ndim > 1 else _spans([shadow])
    return None if others is None else (first, *others)


def join(boxes: Iterable[Box | None]) -> Box | None:
    """Smallest box that holds all of them; None if there is none."""
    some = [box for box in boxes if box is not None]
    if not some:
        return None
    return tuple(slice(min(s.start for s in spans), max(s.stop for s in spans)) for spans in zip(*some, strict=True))


def boxes_of_values(maps: Sequence[LabelArray], sets: Sequence[Sequence[int]]) -> list[Box | None]:
    """Smallest box for each set of values, over all maps; None where no map holds any of them.

    Runs of one value along the last axis are noted, not voxels, so all values together cost one reading.

    Args:
        maps: Label maps of one shape.
        sets: Values of each label or region.
    """
    seen = [np.zeros((256, n), bool) for n in maps[0].shape]
    for labels in maps:
        box = box_of(labels)
        if box is not None:
            _note_runs(labels[box], [axis[:, span] for axis, span in zip(seen, box, strict=True)])
    return [_spans([np.asarray(axis[list(values)].any(axis=0)) for axis in seen]) for values in sets]


def _note_runs(labels: LabelArray, seen: Sequence[BoolArray]) -> None:
    """Set ``seen[axis][value, n]`` where a run of the value starts or ends at index n of the axis."""
    thick = max(1, _RUN_VOXELS // labels[0].size)
    for start in range(0, len(labels), thick):
        slab = np.ascontiguousarray(labels[start : start + thick])
        starts, ends, values = _runs(slab)
        rest = starts
        for axis, length in zip(reversed(seen[1:]), reversed(slab.shape[1:]), strict=True):
            rows = rest // length
            axis[values, rest - rows * length] = True
            rest = rows
        seen[0][values, start + rest] = True
        seen[-1][values, ends - ends // slab.shape[-1] * slab.shape[-1]] = True


def _runs(slab: LabelArray) -> tuple[Positions, Positions, LabelArray]:
    """First and last place of every run of one value within a row, and the value; background left out."""
    line = slab.reshape(-1)
    begins = np.ones(line.size, bool)
    np.not_equal(line[1:], line[:-1], out=begins[1:])
    begins[:: slab.shape[-1]] = True
    starts = np.append(np.flatnonzero(begins), line.size)
    values = line[starts[:-1]]
    some = np.flatnonzero(values)
    return starts[some], starts[some + 1] - 1, values[some]


def _spans(lines: Sequence[BoolArray | LabelArray]) -> Box | None:
    spans = [span for span in map(_span, lines) if span is not None]
    return tuple(spans) if len(spans) == len(lines) else None


def _span(line: BoolArray | LabelArray) -> slice | None:
    """From the first to the last that is not 0."""
    index = np.flatnonzero(line)
    return slice(int(index[0]), int(index[-1]) + 1) if index.size else None
