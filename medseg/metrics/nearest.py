"""How far it is from each point of one set to the nearest of another, exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from medseg.core.types import BoolArray
from medseg.metrics.columns import UNSEEN, Ranks, Search, rises, search_order, sight_of
from medseg.metrics.lattice import Lattice, Positions, Vector, lengths_mm

# Settled points lose nothing by being searched on; leaving them out pays where at least a quarter is settled.
WORTH_LEAVING_OUT = 0.75
FEW = 30  # times fewer points than targets: then most targets are sorted out before a tree is built


@dataclass(frozen=True)
class Nearest:
    """Distances from points to the nearest of another set.

    Attributes:
        rank: (n,) where the distance of each point stands in ``distance_mm``.
        distance_mm: Distances; some may belong to no point.
    """

    rank: Positions
    distance_mm: Vector


def nearest(points: Positions, targets: Positions, lattice: Lattice, *, limit_mm: float = math.inf) -> Nearest:
    """Distances from points to the nearest target.

    Searches the columns of voxels around every point, nearest column first, until no nearer target can come. Points
    further from all targets than that reaches ask a k-d tree which target is nearest. Either way the distance is worked
    out from the offset in whole voxels, so that it does not depend on where in the image the two lie.

    Args:
        points: (n,) places on the line.
        targets: (m,) places on the line; if there is none every distance is inf.
        lattice: The line.
        limit_mm: What is further may be given as inf, which is quicker to find out.
    """
    if not targets.size:
        return Nearest(np.zeros(points.size, np.intp), np.array([math.inf]))
    sight_mm = sight_of(lattice.spacing_mm)
    search = search_order(lattice.spacing_mm, min(sight_mm, math.nextafter(limit_mm, math.inf)))
    rank = _search_columns(points, targets, lattice, search).astype(np.intp)
    left = np.flatnonzero(rank >= search.distance_mm.size)
    if not left.size:
        return Nearest(rank, search.distance_mm)
    left_mm = _ask_tree(points[left], targets, lattice) if limit_mm >= sight_mm else np.full(left.size, math.inf)
    far_mm, far_rank = np.unique(left_mm, return_inverse=True)
    rank[left] = far_rank + search.distance_mm.size
    return Nearest(rank, np.concatenate([search.distance_mm, far_mm]))


def _search_columns(points: Positions, targets: Positions, lattice: Lattice, search: Search) -> Ranks:
    """Rank of each point's distance, if it is one that the search settles; a higher number otherwise."""
    rise = rises(targets, lattice, search.reach)
    ranks, index = np.empty(points.size, np.uint16), np.arange(points.size)
    place, best = points, np.full(points.size, UNSEEN)
    # A column is seen from every place alike, as the same line begun elsewhere.
    columns = [rise[start:] for start in (lattice.beyond + search.offsets @ np.array(lattice.steps)).tolist()]
    for shell, rank_of, enough in zip(search.shells, search.ranks, search.done, strict=True):
        lowest = columns[shell.start][place]
        for column in columns[shell.start + 1 : shell.stop]:
            np.minimum(lowest, column[place], out=lowest)
        np.minimum(best, rank_of.take(lowest), out=best)
        unsettled = np.flatnonzero(best > enough)
        if not unsettled.size:
            break
        if unsettled.size < WORTH_LEAVING_OUT * place.size:
            ranks[index] = best
            index, place, best = index.take(unsettled), place.take(unsettled), best.take(unsettled)
    ranks[index] = best
    return ranks


def _ask_tree(points: Positions, targets: Positions, lattice: Lattice) -> Vector:
    here, there = lattice.coordinates(points), lattice.coordinates(targets)
    if FEW * points.size < targets.size:
        some = there[::FEW]  # the nearest of these is at least as far as the nearest of all
        offsets = _to_nearest(here, some, lattice.spacing_mm)
        there = there[_in_reach(there, here, lengths_mm(offsets, lattice.spacing_mm), lattice)]
    return lengths_mm(_to_nearest(here, there, lattice.spacing_mm), lattice.spacing_mm)


def _to_nearest(here: Positions, there: Positions, spacing_mm: tuple[float, ...]) -> Positions:
    """Voxels along each axis (n, axes) from here (n, axes) to the nearest of there (m, axes)."""
    tree = cKDTree(there * np.asarray(spacing_mm), balanced_tree=False, compact_nodes=False)  # built quicker so
    _, index = tree.query(here * np.asarray(spacing_mm))
    return np.asarray(there[index] - here)


def _in_reach(there: Positions, here: Positions, limit_mm: Vector, lattice: Lattice) -> BoolArray:
    """Which of there could lie within the limit of any of here, each axis by itself."""
    near = np.ones(len(there), bool)
    for axis, (edge_mm, length) in enumerate(zip(lattice.spacing_mm, lattice.shape, strict=True)):
        reach = np.minimum(limit_mm / edge_mm, length).astype(np.intp) + 1
        opens = np.bincount(np.maximum(here[:, axis] - reach, 0), minlength=length)
        closes = np.bincount(np.minimum(here[:, axis] + reach, length - 1), minlength=length)
        is_covered = np.cumsum(opens) - np.cumsum(closes) + closes > 0
        near &= is_covered[there[:, axis]]
    return near
