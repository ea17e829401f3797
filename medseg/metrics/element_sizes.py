"""How much surface lies at a corner of the voxel grid, for each way the voxels around it can be filled.

Between the voxel centres around one corner (a cube of eight in 3D, a square of four in 2D) marching cubes draws the
surface through the middle of every edge that joins foreground to background. The drawing is worked out here from three
rules, which leave one answer for each of the 256 (16) fillings:

- The rarer kind of voxel (foreground at four against four) is cut off piece by piece; pieces touch along edges of the
  cube, not across a face.
- A piece is cut off by one polygon through the middles of its edges.
- A polygon that is not flat is cut into as few flat parts as can be, by a fan of triangles.

None depends on the spacing: what is flat stays flat when an axis is stretched.

Source: Lorensen and Cline 1987, Marching Cubes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
Corner = tuple[int, ...]


@lru_cache(maxsize=64)
def element_sizes(spacing_mm: tuple[float, ...]) -> Vector:
    """Size of the surface element of every code.

    Args:
        spacing_mm: Voxel edges, three or two.

    Returns:
        (256,) in mm² or (16,) in mm, read-only. Bit 4 i + 2 j + k (2 i + j) of a code is the voxel at
        (i, j, k), each 0 or 1. Zero for the first and the last code, which have no surface.
    """
    # Stretching an axis by s multiplies the normal of an area by the product of all s, and divides its part along it.
    stretch = math.prod(spacing_mm) / np.asarray(spacing_mm)
    codes, normals = _parts(len(spacing_mm))
    areas = np.linalg.norm(stretch * normals, axis=1)
    sizes = np.bincount(codes, weights=areas, minlength=2**2 ** len(spacing_mm)).astype(np.float64)
    sizes.setflags(write=False)
    return sizes


@lru_cache(maxsize=2)
def _parts(axes: int) -> tuple[npt.NDArray[np.intp], Vector]:
    """Flat parts of all codes at a spacing of 1: the code of each, and (n, axes) normals whose lengths are areas."""
    corners = list(itertools.product((0, 1), repeat=axes))
    codes, normals = [], []
    for code in range(2 ** len(corners)):
        filled = {corner for bit, corner in enumerate(corners) if code >> bit & 1}
        rarer = filled if 2 * len(filled) <= len(corners) else set(corners) - filled
        own = [normal for piece in _pieces(rarer) for normal in _cut(frozenset(piece))]
        codes += [code] * len(own)
        normals += own
    return np.array(codes), np.array(normals)


def _pieces(corners: set[Corner]) -> Iterator[set[Corner]]:
    """The corners, those joined by edges together."""
    rest = set(corners)
    while rest:
        piece = {rest.pop()}
        while reached := {_across(corner, axis) for corner in piece for axis in range(len(corner))} & rest:
            piece |= reached
            rest -= reached
        yield piece


@cache
def _cut(piece: frozenset[Corner]) -> list[Vector]:
    """Normals of the flat parts of the polygon (in 2D the line) that cuts a piece off."""
    polygon = _polygon(piece)
    if polygon.shape[1] == 2:
        along = polygon[1] - polygon[0]
        return [np.array([along[1], -along[0]])]
    fans = [_fan(np.roll(polygon, -start, axis=0)) for start in range(len(polygon))]
    return min(fans, key=_count_planes)


def _polygon(piece: frozenset[Corner]) -> Vector:
    """Middles of the edges that leave a piece, in order round it; (n, axes).

    Two follow each other when they lie on one face of the cube: each face meets the polygon in one line.
    """
    rest = [
        (np.asarray(corner) + _across(corner, axis)) / 2.0
        for corner in sorted(piece)
        for axis in range(len(corner))
        if _across(corner, axis) not in piece
    ]
    ordered = [rest.pop(0)]
    while rest:
        here = ordered[-1]
        # With two axes there are two middles, one line between them, and no face to share.
        following = next((n for n, other in enumerate(rest) if _share_face(here, other)), 0)
        ordered.append(rest.pop(following))
    return np.array(ordered)


def _share_face(a: Vector, b: Vector) -> bool:
    return bool(((a == b) & (a != 0.5)).any())


def _fan(polygon: Vector) -> list[Vector]:
    spokes = polygon[1:] - polygon[0]
    return list(np.cross(spokes[:-1], spokes[1:]) / 2.0)


def _count_planes(fan: list[Vector]) -> int:
    """Triangles of a fan share a point, so they lie in one plane when their normals are parallel."""
    return len({tuple(np.round(n / np.linalg.norm(n), 6)) for n in fan})


def _across(corner: Corner, axis: int) -> Corner:
    return (*corner[:axis], 1 - corner[axis], *corner[axis + 1 :])
