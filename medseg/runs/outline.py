"""The outline of a mask as an SVG path: exact to the pixel edge, sharp at every size and on paper."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from medseg.core.types import BoolArray

_Point = tuple[int, int]  # column and row of a pixel corner


def outline_path(mask: BoolArray) -> str:
    """Closed loops around the pixels of a mask.

    Args:
        mask: (rows, columns).

    Returns:
        Path data in pixels, x to the right and y down, to be filled by the even-odd rule; empty for an
        empty mask. Pixel (row r, column c) covers x from c to c + 1 and y from r to r + 1.
    """
    following = _edges(mask)
    loops = []
    while following:
        start, ends = next(iter(following.items()))
        loops.append(_loop(following, start, ends[-1]))
    return "".join(loops)


def _edges(mask: BoolArray) -> dict[_Point, list[_Point]]:
    """Each run of pixel edges, from corner to corner, with the mask on its right."""
    padded = np.pad(mask.astype(np.int8), 1)
    following: dict[_Point, list[_Point]] = {}
    _add_runs(following, np.diff(padded, axis=0)[:, 1:-1], upright=False)
    _add_runs(following, -np.diff(padded, axis=1)[1:-1].T, upright=True)
    return following


def _add_runs(following: dict[_Point, list[_Point]], steps: npt.NDArray[np.int8], *, upright: bool) -> None:
    """Join neighbouring edges of one line and one direction into runs.

    Args:
        following: Gets the runs, by where each begins.
        steps: (lines, positions); 1 for an edge that is walked from low to high, −1 for one walked back, 0 for none.
        upright: Whether lines are columns.
    """
    padded = np.pad(steps, ((0, 0), (1, 1)))
    for sign in (1, -1):
        bounds = np.diff((padded == sign).astype(np.int8), axis=1)
        begins, ends = np.argwhere(bounds == 1), np.argwhere(bounds == -1)  # in the same order: runs do not overlap
        for (line, begin), (_, end) in zip(begins.tolist(), ends.tolist(), strict=True):
            first, last = (begin, end) if sign == 1 else (end, begin)
            points = ((line, first), (line, last)) if upright else ((first, line), (last, line))
            following.setdefault(points[0], []).append(points[1])


def _loop(following: dict[_Point, list[_Point]], start: _Point, point: _Point) -> str:
    """Walk from ``start`` back to it, taking away the edges that were walked."""
    _take(following, start)
    steps = [f"M{start[0]} {start[1]}"]
    here = start
    while point != start:
        steps.append(f"h{point[0] - here[0]}" if point[1] == here[1] else f"v{point[1] - here[1]}")
        here, point = point, _take(following, point)
    return "".join(steps) + "z"


def _take(following: dict[_Point, list[_Point]], point: _Point) -> _Point:
    ends = following[point]
    end = ends.pop()
    if not ends:
        del following[point]
    return end
