"""Several lesions in one image: found, missed, hallucinated, merged, left out.

Every row of ``METRICS`` under every policy, variant and weighting.
"""

from math import hypot, sqrt

import known_answers
import numpy as np
import pytest
from known_answers import NAN, Known, at_edge, at_vertex, counts, is_complete

from medseg.metrics.metric import METRICS


def _map(shape: tuple[int, ...], *boxes: tuple[slice | int, ...]) -> np.ndarray:
    labels = np.zeros(shape, np.uint8)
    for box in boxes:
        labels[box] = 1
    return labels


def _four_lesions() -> Known:
    """Cubes of 4 voxels of 1 mm in a row: found at i = 2, missed at 22, hallucinated at 42; at 75 one of 2, found.

    Voxels: 64 + 8 of both, 64 of each alone. A cube of 4 has 56 surface voxels (two caps of 16, two rims of 12), one
    of 2 all 8. Each looks straight along i at the layer that faces it. The missed cube, i = 22 … 25, lies between
    predicted layers at 5 and 42: 17, 18, 18, 17. The hallucinated one, i = 42 … 45, has the reference's layer 25 before
    it and its next at 75: 17, 18, 19, 20. Of 120 voxels each 64 are at 0. The 95th percentile of the prediction's 120
    is at place 113.05, from 104 on they are at 20; of all 240 at 227.05, from 224 on.

    Corners: a cap has 25 (4 vertices, 12 edges, 9 faces), a layer in between 16 (4 edges, 12 faces), a cube of 2 has 8,
    12 and 6. Five layers each: 16, 17, 18, 17, 16 and 16, 17, 18, 19, 20. A cap is more than 5 % of the area.

    Lesions: 2, 1 and 1 by default: Dice 2/4, twice the diagonal, F1 2·2 / (2·2 + 1 + 1). BraTS leaves the cube of 8 mm³
    out: 1, 1 and 1, F1 2 / (2 + 1 + 1).
    """
    cubes = [np.s_[n : n + 4, 2:6, 2:6] for n in (2, 22, 42)]
    small, shape = np.s_[75:77, 2:4, 2:4], (80, 8, 8)
    vertex, edge = at_vertex((1.0,) * 3), at_edge(1.0, (1.0, 1.0))
    cap, layer = 4 * vertex + 12 * edge + 9, 4 * edge + 12
    area = 2 * (2 * cap + 3 * layer) + 8 * vertex + 12 * edge + 6  # of each
    assert cap > 0.05 * area
    by_voxel = (32 * 17 + 24 * 18 + 16 * 17 + 12 * 18 + 12 * 19 + 16 * 20) / 240
    by_area = (32 * cap + 52 * layer + 36 * cap + 54 * layer) / (2 * area)
    diagonal_mm = sqrt(80**2 + 8**2 + 8**2)
    return Known(
        prediction=_map(shape, cubes[0], cubes[2], small),
        reference=_map(shape, cubes[0], cubes[1], small),
        spacing_mm=(1.0, 1.0, 1.0),
        tolerance_mm=17.0,
        answers=counts(72, 64, 64, 1.0)
        | {"hd_mm": 20.0, "hd95_mm": 20.0, "assd_mm": {"voxel": by_voxel, "pooled": by_voxel, "area": by_area}}
        | {"nsd": {"voxel": (128 + 32 + 16) / 240, "area": 1 - (3 * layer + cap) / (2 * area)}}
        | {"lesion_dice": {"default": 1 / 2, "brats": 1 / 3}}
        | {"lesion_hd95_mm": {"default": diagonal_mm / 2, "brats": 2 * 374.0 / 3}}
        | {"lesion_f1": {"default": 4 / 6, "brats": 2 / 4}}
        | {"lesions_matched": {"default": 2.0, "brats": 1.0}, "lesions_missed": 1.0, "lesions_hallucinated": 1.0},
    )


def _nineteen_of_twenty(spacing_mm: tuple[float, float]) -> Known:
    """Twenty single pixels, every fourth along both axes, and one of the reference is not predicted: exactly 95 % fit.

    m is the smaller edge. The pixel is 4 m from the next; of its corners, all alike, two are 3 m and two 4 m away. Of
    the reference's 20 pixels 19 are at 0, so the 95th percentile, at place 18.05, is 0.05 · 4 m; of all 39 it is at
    36.1: 0. Exactly 95 % of the reference's length lies within 0, to whatever last digit it is summed up.

    By default one of 20 lesions is missed. BraTS takes all for one, as there are three pixels between, and leaves out
    what is below 50 mm³.
    """
    m, shape = min(spacing_mm), (19, 15)
    reference = _map(shape, np.s_[1::4, 1::4])
    prediction = _map(shape, np.s_[1::4, 1::4])
    prediction[17, 13] = 0
    assert max(spacing_mm) > 4 / 3 * m  # so that 3 of the larger are further than 4 of the smaller
    assert reference.sum() == 20
    return Known(
        prediction=prediction[:, None],
        reference=reference[:, None],
        spacing_mm=(spacing_mm[0], 9.0, spacing_mm[1]),
        tolerance_mm=3 * m,
        answers=counts(19, 0, 1, NAN)
        | {"hd_mm": 4 * m, "hd95_mm": {"voxel": 0.2 * m, "pooled": 0.0, "area": 0.0}}
        | {"assd_mm": {"voxel": 4 * m / 39, "pooled": 4 * m / 39, "area": 14 * m / (4 * 39)}}
        | {"nsd": {"voxel": 38 / 39, "area": 1 - 2 / (4 * 39)}}
        | {"lesion_dice": {"default": 19 / 20, "brats": 1.0}, "lesion_f1": {"default": 38 / 39, "brats": 1.0}}
        | {"lesion_hd95_mm": {"default": hypot(19 * spacing_mm[0], 15 * spacing_mm[1]) / 20, "brats": 0.0}}
        | {"lesions_matched": {"default": 19.0, "brats": 0.0}, "lesions_missed": {"default": 1.0, "brats": 0.0}}
        | {"lesions_hallucinated": 0.0},
    )


KNOWN = {
    "four lesions": _four_lesions(),
    **{f"nineteen of twenty {edges}": _nineteen_of_twenty(edges) for edges in ((0.123, 0.77), (0.7, 0.3), (0.1, 0.3))},
}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("known", KNOWN.values(), ids=KNOWN)
def test_lesions_score_what_is_known_of_them(known: Known, metric: str) -> None:
    known_answers.check(known, metric)


@pytest.mark.parametrize("known", KNOWN.values(), ids=KNOWN)
def test_every_metric_has_a_known_answer(known: Known) -> None:
    assert is_complete(known.answers)
