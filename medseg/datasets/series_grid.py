"""Whether the series chosen for a study's channels show one patient in one space: frame of reference and overlap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from medseg.core.errors import DatalistError, raise_faults
from medseg.core.types import Affine, Shape
from medseg.datasets.series_match import Match
from medseg.io.dicom_sameness import patient_in
from medseg.io.dicom_series import Series

# Share of the reference's box that another channel must cover. Sequences of one visit are planned alike and cover
# more than 95 % of each other; what is not covered becomes background, which a network takes for the end of the head.
OVERLAP_LIMIT = 0.90

_Points = npt.NDArray[np.float64]
# The unit cube in six tetrahedra around its diagonal: corner 0 to corner 7, one axis after the other.
_PATHS = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))


def check_shared_space(match: Match) -> None:
    """Raise unless every channel lies in the reference's study, patient, frame of reference and box.

    Raises:
        DatalistError: Names the two channels and what differs; all at once.
    """
    reference = match.channels[match.reference].series
    faults = [
        f"{channel}: {fault}"
        for channel, choice in match.channels.items()
        if choice.series is not reference and (fault := _fault(choice.series, reference, channel, match.reference))
    ]
    raise_faults("Channels in space", faults, DatalistError)


def overlap_share(shape: Shape, affine_ras: Affine, other_shape: Shape, other_affine_ras: Affine) -> float:
    """Share of a grid's box that lies within another's, 0 to 1; exact, for boxes at any angle.

    Boxes reach to the outer faces of the voxels. Shapes are (I, J, K).
    """
    to_unit = np.linalg.inv(_unit_to_world(shape, affine_ras)) @ _unit_to_world(other_shape, other_affine_ras)
    inside = np.linalg.inv(to_unit)  # a point of this box to the other's unit cube
    cells = [np.vstack([np.zeros(3), np.cumsum(np.eye(3)[list(path)], axis=0)]) for path in _PATHS]
    for axis in range(3):
        for sign, limit in ((1.0, 0.0), (-1.0, -1.0)):  # 0 <= coordinate, then coordinate <= 1
            normal, offset = sign * inside[axis, :3], sign * inside[axis, 3] - limit
            cells = [part for cell in cells for part in _cut(cell, cell @ normal + offset)]
    return float(min(1.0, sum(_volume(cell) for cell in cells)))


def _fault(one: Series, reference: Series, channel: str, name: str) -> str | None:
    frames = [str(series.header.get("FrameOfReferenceUID") or "") for series in (one, reference)]
    if one.study_uid != reference.study_uid:
        return f"{one.name} is in another study than {name}, {reference.name}"
    if len({patient_in(one.header), patient_in(reference.header)} - {""}) > 1:
        return f"{one.name} is of another patient than {name}, {reference.name} (PatientID or PatientName differs)"
    if not all(frames):
        lacking = one.name if not frames[0] else f"{name}, {reference.name},"
        return f"{lacking} has no FrameOfReferenceUID, so its place relative to {name} is not known; export it again"
    if frames[0] != frames[1]:
        return f"{one.name} is in another frame of reference than {name}, {reference.name}; register it to {name} first"
    assert one.shape is not None  # an accepted series has one grid
    assert one.affine_ras is not None
    assert reference.shape is not None
    assert reference.affine_ras is not None
    share = overlap_share(reference.shape, reference.affine_ras, one.shape, one.affine_ras)
    if share >= OVERLAP_LIMIT:
        return None
    percent = int(100 * share)  # downward: 89.96 % is not 90 %
    limit = f"(limit {100 * OVERLAP_LIMIT:g} %)"
    return f"overlap of {channel} with {name} is {percent} % {limit}; choose series of the same part"


def _unit_to_world(shape: Shape, affine_ras: Affine) -> Affine:
    """Unit cube to the outer faces of the voxels, in mm."""
    unit = np.diag([*map(float, shape), 1.0])
    unit[:3, 3] = -0.5
    return np.asarray(affine_ras @ unit)


def _cut(cell: _Points, distances: _Points) -> Sequence[_Points]:
    """The part of a tetrahedron (4, 3) on the positive side of a plane, as tetrahedra; distances are of its corners."""
    inner = [n for n in range(4) if distances[n] >= 0]
    outer = [n for n in range(4) if distances[n] < 0]
    if not outer or not inner:
        return [cell] if inner else []

    def crossing(a: int, b: int) -> _Points:
        share = distances[a] / (distances[a] - distances[b])
        return np.asarray(cell[a] + share * (cell[b] - cell[a]))

    if len(inner) == 1:
        return [np.stack([cell[inner[0]], *(crossing(inner[0], n) for n in outer)])]
    if len(inner) == 3:
        return _prism(cell[inner], np.stack([crossing(n, outer[0]) for n in inner]))
    ends = [np.stack([cell[a], crossing(a, outer[0]), crossing(a, outer[1])]) for a in inner]
    return _prism(ends[0], ends[1])


def _prism(one: _Points, other: _Points) -> Sequence[_Points]:
    """Three tetrahedra that fill the prism between two triangles (3, 3), corner to corner."""
    a, b, c = one
    d, e, f = other
    return [np.stack([a, b, c, d]), np.stack([b, c, d, e]), np.stack([c, d, e, f])]


def _volume(cell: _Points) -> float:
    return abs(float(np.linalg.det(cell[1:] - cell[0]))) / 6.0
