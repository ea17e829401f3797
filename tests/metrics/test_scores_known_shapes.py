"""Shapes whose scores are known: cubes one voxel apart, a line and its end, a box in a box, plates slices apart.

Every row of ``METRICS`` under every policy, variant and weighting; distances and areas are worked out in the comments.
"""

from math import sqrt

import known_answers
import numpy as np
import pytest
from known_answers import NAN, Known, at_edge, at_vertex, counts, is_complete, one_lesion

from medseg.metrics.metric import METRICS

THICK = (0.5, 0.5, 7.5)
UNEQUAL = (0.5, 2.0, 7.5)
ONE_MM = (1.0, 1.0, 1.0)


def _map(shape: tuple[int, ...], *box: slice) -> np.ndarray:
    labels = np.zeros(shape, np.uint8)
    labels[box] = 1
    return labels


def _cubes_one_voxel_apart(axis: int, spacing_mm: tuple[float, ...]) -> Known:
    """Two cubes of 3 x 3 x 3 voxels, the prediction one voxel before the reference along an axis.

    s is the spacing along that axis, u and v those across, m the smallest of the three.

    Voxels: 26 of 27 are surface, all but the middle one. Of the prediction's three layers the first (9 voxels) lies
    outside the reference: s to its first layer, which is all surface. The second (8) lies on that layer: 0. Of the
    third (9) eight lie on the rim of the reference's second layer: 0; its middle lies on the inner voxel, whose
    neighbours are all surface: m. The reference sees the same. So of 26 distances 9 are s, 1 is m, 16 are 0.
    The 95th percentile of 26 lies at place 23.75, of 52 at 48.45 (counted from 0): both among the s.

    Areas: 4 x 4 x 4 corners less 2 x 2 x 2 inner ones. The first layer of corners is a cap, outside the reference by
    one voxel: s. Two layers of 12 lie on the reference's: 0. The last is a cap again: 12 on the reference's rim: 0,
    and 4 of size u v inside it: m. A cap has 4 vertices, 4 edge corners along u, 4 along v, and the 4 of u v; a middle
    layer has 4 edge corners along s and 4 + 4 faces of u s and v s. Each cap is more than 5 % of the area.

    Dice 2 · 18 / (27 + 27). One lesion; BraTS leaves it out up to 50 mm³.
    """
    s, (u, v) = spacing_mm[axis], [edge for other, edge in enumerate(spacing_mm) if other != axis]
    m, voxel_mm3 = min(spacing_mm), s * u * v
    cap = 4 * at_vertex((u, v, s)) + 4 * at_edge(u, (v, s)) + 4 * at_edge(v, (u, s)) + 4 * u * v
    middle = 4 * at_edge(s, (u, v)) + 4 * u * s + 4 * v * s
    area = 2 * cap + 2 * middle
    assert cap > 0.05 * area
    near, far = m <= 1.0, s <= 1.0  # what a tolerance of 1 mm holds
    by_voxel, by_area = (9 * s + m) / 26, (cap * s + 4 * u * v * m) / area
    reference = _map((8, 8, 8), *[slice(3, 6)] * 3)
    return Known(
        prediction=np.roll(reference, -1, axis),
        reference=reference,
        spacing_mm=spacing_mm,
        answers=counts(18, 9, 9, voxel_mm3)
        | {"hd_mm": s, "hd95_mm": s, "assd_mm": {"voxel": by_voxel, "pooled": by_voxel, "area": by_area}}
        | {"nsd": {"voxel": (16 + near + 9 * far) / 26, "area": 1 - (cap * (not far) + 4 * u * v * (not near)) / area}}
        | one_lesion(2 / 3, s, counts_in_brats=27 * voxel_mm3 > 50),
    )


def _squares_one_pixel_apart(along: int, thin: int, spacing_mm: tuple[float, float]) -> Known:
    """Two squares of 3 x 3 pixels in a map one voxel thick, the prediction one pixel before the reference.

    s is the spacing along, u that across, m the smaller.

    Pixels: 8 of 9 are surface. The first row (3) is s away, of the second 2 are surface: 0; of the third the ends lie
    on the reference's rim: 0, its middle on the inner pixel: m. The 95th percentile of 8 is at place 6.65, of 16 at
    14.25: both among the s.

    Lengths: 12 corners. A cap has 2 vertices and 2 of length u; in between are 2 + 2 of length s. The first cap is s
    away; of the last, 2 of length u are inside the reference: m.

    Pixels have no volume: nan. For BraTS a lesion has 9 u s "mm³".
    """
    s, u = spacing_mm[along], spacing_mm[1 - along]
    m, cap = min(s, u), 2 * at_vertex((s, u)) + 2 * u
    length = 2 * cap + 4 * s
    near, far = m <= 1.0, s <= 1.0
    by_pixel, by_length = (3 * s + m) / 8, (cap * s + 2 * u * m) / length
    reference = _map((8, 8), slice(3, 6), slice(3, 6))
    pair = [np.expand_dims(labels, thin) for labels in (np.roll(reference, -1, along), reference)]
    return Known(
        prediction=pair[0],
        reference=pair[1],
        spacing_mm=(*spacing_mm[:thin], 5.0, *spacing_mm[thin:]),
        answers=counts(6, 3, 3, NAN)
        | {"hd_mm": s, "hd95_mm": s, "assd_mm": {"voxel": by_pixel, "pooled": by_pixel, "area": by_length}}
        | {"nsd": {"voxel": (4 + near + 3 * far) / 8, "area": 1 - (cap * (not far) + 2 * u * (not near)) / length}}
        | one_lesion(2 / 3, s, counts_in_brats=9 * u * s > 50),
    )


def _line_and_its_end(spacing_mm: tuple[float, ...], *, swap: bool) -> Known:
    """A line of 11 voxels along the last axis, and a single voxel at its end: all three HD95 differ.

    Voxels, in steps of the spacing s: from the line 0, 1 … 10, from the point 0. The 95th percentile of 11 is at
    place 9.5: 9.5 s; of 12 (0, 0, 1 … 10) at place 10.45: 9.45 s.

    Areas: the line has 12 layers of four corners, vertices at both ends (area e a layer), edges between (area f); the
    last two layers belong to the point as well. Distances from the first layer on: 10 s (e), 9 s … 0 (f each), 0 (e).
    e is less than 5 % of 2 e + 10 f and e + f more, so 95 % of the area lies within 9 s.

    With a tolerance of one step, 2 of 11 voxels and the point are within; by area f + f + e and the point.
    """
    *across, s = spacing_mm
    e, f = 4 * at_vertex(spacing_mm), 4 * at_edge(s, tuple(across))
    line, point = 2 * e + 10 * f, 2 * e
    assert e < 0.05 * line < e + f
    long, short = _map((5, 4, 14), 2, 1, slice(2, 13)), _map((5, 4, 14), 2, 1, 12)
    by_area = (10 * s * e + 45 * s * f) / (line + point)
    hd95 = {"voxel": 9.5 * s, "pooled": 9.45 * s, "area": 9 * s}
    return Known(
        prediction=short if swap else long,
        reference=long if swap else short,
        spacing_mm=spacing_mm,
        tolerance_mm=s,
        answers=counts(1, 0 if swap else 10, 10 if swap else 0, np.prod(spacing_mm))
        | {"hd_mm": 10 * s, "hd95_mm": hd95}
        | {"assd_mm": {"voxel": 55 * s / 12, "pooled": 55 * s / 12, "area": by_area}}
        | {"nsd": {"voxel": 3 / 12, "area": (2 * f + e + point) / (line + point)}}
        | one_lesion(1 / 6, hd95, counts_in_brats=False),  # 1.875 or 20.6 mm³
    )


def _box_in_box() -> Known:
    """A cube of 3 voxels amid one of 7, at 1 mm.

    Voxels: the inner one has 26 on its surface, each 2 from the outer one's: its largest coordinate is 1, theirs 3. The
    outer one has 7³ - 5³ = 218. Beyond the inner cube a voxel lies by 0 (3 places), 1 or 2 (2 places each) along each
    axis, by 2 along one at least:
    2, 0, 0: 3 · 2·3·3 = 54 at 2        2, 1, 0: 6 · 2·2·3 = 72 at √5      2, 1, 1: 3 · 2·2·2 = 24 at √6
    2, 2, 0: 3 · 2·2·3 = 36 at √8       2, 2, 1: 3 · 2·2·2 = 24 at 3       2, 2, 2: 8 at √12
    Up to √8 these are 186, up to 3 210. The 95th percentile of 218 is at place 206.15, of all 244 (26 more at 2) at
    230.85, where up to √8 are 212 and up to 3 236: 3 both times.

    Areas: corners lie by 0 (4 places), 1 or 2 (2 places each); by 2 along one axis they are faces (1), along two edges
    (√½), along three vertices (√3/8).
    2, 0, 0: 3 · 2·4·4 = 96 at 2        2, 1, 0: 6 · 2·2·4 = 96 at √5      2, 1, 1: 3 · 2·2·2 = 24 at √6
    2, 2, 0: 3 · 2·2·4 = 48 at √8       2, 2, 1: 3 · 2·2·2 = 24 at 3       2, 2, 2: 8 at √12
    Outer area 216 + 72 √½ + √3 = 268.6, of which 5 % are 13.4; beyond 3 lie √3 = 1.7, and 24 √½ = 17.0 at 3: 3 again.
    The inner cube has 24 faces, 24 edges, 8 vertices, all 2 away.

    With a tolerance of 2.3 all up to √5 = 2.24 is within.
    """
    inner, outer = 24 + 24 * sqrt(0.5) + sqrt(3), 216 + 72 * sqrt(0.5) + sqrt(3)
    voxels = 54 * 2 + 72 * sqrt(5) + 24 * sqrt(6) + 36 * sqrt(8) + 24 * 3 + 8 * sqrt(12)
    areas = 96 * 2 + 96 * sqrt(5) + 24 * sqrt(6) + (48 * sqrt(8) + 24 * 3) * sqrt(0.5) + sqrt(3) * sqrt(12)
    by_voxel, by_area = (voxels + 26 * 2) / 244, (areas + inner * 2) / (inner + outer)
    return Known(
        prediction=_map((9, 10, 11), slice(3, 6), slice(4, 7), slice(3, 6)),
        reference=_map((9, 10, 11), slice(1, 8), slice(2, 9), slice(1, 8)),
        spacing_mm=ONE_MM,
        tolerance_mm=2.3,
        answers=counts(27, 0, 343 - 27, 1.0)
        | {"hd_mm": sqrt(12), "hd95_mm": 3.0, "assd_mm": {"voxel": by_voxel, "pooled": by_voxel, "area": by_area}}
        | {"nsd": {"voxel": (54 + 72 + 26) / 244, "area": (96 + 96 + inner) / (inner + outer)}}
        | one_lesion(54 / 370, 3.0, counts_in_brats=True),
    )


def _slabs_apart() -> Known:
    """Two plates, one voxel thick, 3 slices apart in slices of 7.5 mm: every distance is 22.5 mm, or 15 at one side.

    Voxels: plates of 6 x 6, each voxel 22.5 mm above its like. Areas: 7 x 7 corners on both sides of each plate, both
    sides alike; of one plate's two sides the nearer is 2 slices from the other's nearer side, the further 3: half the
    area at 15, half at 22.5. Nothing is shared: the lesion is missed, another hallucinated, at the diagonal of
    8 · 0.5, 8 · 0.5, 9 · 7.5 mm.

    BraTS: 36 · 1.875 = 67.5 mm³ count; grown by three slices the lesion reaches the other plate: found, Dice 0, and by
    area 95 % within 22.5 mm.
    """
    plates = [_map((8, 8, 9), slice(1, 7), slice(1, 7), k) for k in (2, 5)]
    return Known(
        prediction=plates[0],
        reference=plates[1],
        spacing_mm=THICK,
        tolerance_mm=15.0,
        answers=counts(0, 36, 36, 1.875)
        | {"hd_mm": 22.5, "hd95_mm": 22.5, "assd_mm": {"voxel": 22.5, "pooled": 22.5, "area": 18.75}}
        | {"nsd": {"voxel": 0.0, "area": 0.5}, "lesion_dice": 0.0}
        | {"lesion_hd95_mm": {"default": sqrt(4**2 + 4**2 + 67.5**2), "brats": 22.5}}
        | {"lesion_f1": {"default": 0.0, "brats": 1.0}, "lesions_matched": {"default": 0.0, "brats": 1.0}}
        | {key: {"default": 1.0, "brats": 0.0} for key in ("lesions_missed", "lesions_hallucinated")},
    )


KNOWN = {
    **{f"cubes {edges} along {axis}": _cubes_one_voxel_apart(axis, edges)
       for edges in (UNEQUAL, THICK, ONE_MM) for axis in range(3)},
    **{f"squares {edges} along {along} thin {thin}": _squares_one_pixel_apart(along, thin, edges)
       for edges in ((0.5, 7.5), (2.0, 7.5)) for along in range(2) for thin in range(3)},
    "line and its end": _line_and_its_end(ONE_MM, swap=False),
    "end and its line": _line_and_its_end(ONE_MM, swap=True),
    "line through thick slices": _line_and_its_end(THICK, swap=False),
    "end of a line through thick slices": _line_and_its_end(THICK, swap=True),
    "box in box": _box_in_box(),
    "plates in thick slices": _slabs_apart(),
}  # fmt: skip


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("known", KNOWN.values(), ids=KNOWN)
def test_a_shape_scores_what_is_known_of_it(known: Known, metric: str) -> None:
    known_answers.check(known, metric)


@pytest.mark.parametrize("known", KNOWN.values(), ids=KNOWN)
def test_every_metric_has_a_known_answer(known: Known) -> None:
    assert is_complete(known.answers)
