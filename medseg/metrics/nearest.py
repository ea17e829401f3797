"""How far it is from each point of one set to the nearest of another, exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from medseg.metrics.columns import UNSEEN, Ranks, rises, search_order
from medseg.metrics.lattice import Lattice, Positions, Vector, lengths_mm

# Settled points lose nothing by being searched on; leaving them out pays where at least a quarter is settled.
WORTH_LEAVING_OUT = 0.75


@dataclass(frozen=True)
class Nearest:
    """Distances from points to the nearest of another set.

    Attributes:
        rank: (n,) where the distance of each point stands in ``distance_mm``.
        distance_mm: Distances; some may belong to no point.
    """

    rank: Positions
    distance_mm: Vector


def nearest(points: Positions, targets: Positions, lattice: Lattice) -> Nearest:
    """Distances from points to the nearest target.

    Searches the columns of voxels around every point, nearest column first, until no nearer target can come. Points
    further from all targets than that reaches ask a k-d tree which target is nearest. Either way the distance is worked
    out from the offset in whole voxels, so that it does not depend on where in the image the two lie.

    Args:
        points: (n,) places on the line.
        targets: (m,) places on the line; if there is none every distance is inf.
        lattice: The line.
    """
    if not targets.size:
        return Nearest(np.zeros(points.size, np.intp), np.array([math.inf]))
    near_mm = search_order(lattice.spacing_mm).distance_mm
    rank = _search_columns(points, targets, lattice).astype(np.intp)
    left = np.flatnonzero(rank >= near_mm.size)
    if not left.size:
        return Nearest(rank, near_mm)
    far_mm, far_rank = np.unique(_ask_tree(points[left], targets, lattice), return_inverse=True)
    rank[left] = far_rank + near_mm.size
    return Nearest(rank, np.concatenate([near_mm, far_mm]))


def _search_columns(points: Positions, targets: Positions, lattice: Lattice) -> Ranks:
    """Rank of each point's distance, if it is one that the search settles; a higher number otherwise."""
    search = search_order(lattice.spacing_mm)
    rise = rises(targets, lattice)
    ranks, index = np.empty(points.size, np.uint16), np.arange(points.size)
    # Places are counted from the front of the box, so that a column is a view that starts elsewhere.
    place, best = points - lattice.front, np.full(points.size, UNSEEN)
    columns = [rise[start:] for start in (lattice.front + search.offsets @ np.array(lattice.steps)).tolist()]
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
    spacing_mm = np.asarray(lattice.spacing_mm)
    tree = cKDTree(there * spacing_mm, balanced_tree=False, compact_nodes=False)  # quick to build, and asked but once
    _, index = tree.query(here * spacing_mm)
    return lengths_mm(there[index] - here, lattice.spacing_mm)
