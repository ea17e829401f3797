"""Round shapes, which voxels come near to: balls and discs in each other, and a ball moved.

What counts as surface fills a layer of up to half a voxel's diagonal on either side of the true surface, and the
nearest of it is taken: a distance is off by a diagonal at most, a mean of many by half of one, and mostly too short.
Volumes and shares of them are off by far less than such a layer: 1 %.
"""

from math import hypot, pi

import known_answers
import numpy as np
import pytest
from known_answers import NAN, Known, is_complete, one_lesion, same_distance

from medseg.metrics.metric import METRICS

SPACINGS_MM = ((0.5, 0.5, 0.5), (0.5, 0.75, 1.0))


def _within(diagonal_mm: float, volume_ml: float) -> dict[str, float]:
    """How far off each score may be."""
    return (
        dict.fromkeys(("dice", "iou", "precision", "recall", "lesion_dice"), 0.01)
        | dict.fromkeys(("reference_ml", "prediction_ml", "difference_ml"), 0.01 * volume_ml)
        | dict.fromkeys(("hd_mm", "hd95_mm", "lesion_hd95_mm"), diagonal_mm)
        | {"assd_mm": diagonal_mm / 2}
    )


def _ball(radius_mm: float, centre_mm: tuple[float, ...], size_mm: float, spacing_mm: tuple[float, ...]) -> np.ndarray:
    """A ball in a cube, or a disc in a square one voxel thick where the centre lies at 0 along the last axis."""
    edges = [size_mm if middle else 0.0 for middle in centre_mm]
    places = [np.arange(0.0, edge + step / 2, step) for edge, step in zip(edges, spacing_mm, strict=True)]
    offsets = [place - middle for place, middle in zip(np.meshgrid(*places, indexing="ij"), centre_mm, strict=True)]
    return (sum(offset**2 for offset in offsets) <= radius_mm**2).astype(np.uint8)


def _balls_in_each_other(spacing_mm: tuple[float, ...]) -> Known:
    """Balls of 12 and 16 mm about one centre: all surface is 4 mm away.

    Dice 2 · 12³ / (12³ + 16³), IoU and recall (12/16)³, precision 1, volumes 4/3 π r³.
    """
    small, large = (_ball(radius, (18.0, 18.0, 18.0), 36.0, spacing_mm) for radius in (12.0, 16.0))
    dice, small_ml, large_ml = 2 * 12**3 / (12**3 + 16**3), 4 / 3 * pi * 1.728, 4 / 3 * pi * 4.096
    return Known(
        prediction=small,
        reference=large,
        spacing_mm=spacing_mm,
        tolerance_mm=4.0 + hypot(*spacing_mm),
        within=_within(hypot(*spacing_mm), large_ml),
        answers=same_distance(4.0)
        | {"dice": dice, "iou": 27 / 64, "precision": 1.0, "recall": 27 / 64, "nsd": 1.0}
        | {"reference_ml": large_ml, "prediction_ml": small_ml, "difference_ml": small_ml - large_ml}
        | one_lesion(dice, 4.0, counts_in_brats=True),
    )


def _ball_moved(spacing_mm: tuple[float, ...]) -> Known:
    """A ball of radius r = 12 mm, moved by d = 6 mm.

    On a sphere all heights are equally likely, so the distance e of a point of one to the other sphere has the density
    (r + e) / (2 r d) between -d and d, and |e| is uniform between 0 and d: HD = d, HD95 = 0.95 d, ASSD = d / 2, and
    within a tolerance t lies t / d. A lens of volume π (4 r + d) (2 r - d)² / 12 is shared.
    """
    r, d = 12.0, 6.0
    shared, volume_ml = (4 * r + d) * (2 * r - d) ** 2 / (16 * r**3), 4 / 3 * pi * r**3 / 1000
    return Known(
        prediction=_ball(r, (15.0, 18.0, 18.0), 36.0, spacing_mm),
        reference=_ball(r, (21.0, 18.0, 18.0), 36.0, spacing_mm),
        spacing_mm=spacing_mm,
        tolerance_mm=4.5,
        within=_within(hypot(*spacing_mm), volume_ml) | {"nsd": hypot(*spacing_mm) / 2 / d},
        answers={"dice": shared, "iou": shared / (2 - shared), "precision": shared, "recall": shared}
        | {"hd_mm": d, "hd95_mm": 0.95 * d, "assd_mm": d / 2, "nsd": 4.5 / d}
        | {"reference_ml": volume_ml, "prediction_ml": volume_ml, "difference_ml": 0.0}
        | one_lesion(shared, 0.95 * d, counts_in_brats=True),
    )


def _discs_in_each_other(spacing_mm: tuple[float, ...]) -> Known:
    """Discs of 30 and 40 mm about one centre, in a map one voxel thick: squares take the places of cubes."""
    small, large = (_ball(radius, (42.0, 42.0, 0.0), 84.0, spacing_mm) for radius in (30.0, 40.0))
    diagonal_mm = hypot(*spacing_mm[:2])
    return Known(
        prediction=small,
        reference=large,
        spacing_mm=spacing_mm,
        tolerance_mm=10.0 + diagonal_mm,
        within=_within(diagonal_mm, NAN),
        answers=same_distance(10.0)
        | {"dice": 2 * 9 / 25, "iou": 9 / 16, "precision": 1.0, "recall": 9 / 16, "nsd": 1.0}
        | dict.fromkeys(("reference_ml", "prediction_ml", "difference_ml"), NAN)
        | one_lesion(2 * 9 / 25, 10.0, counts_in_brats=True),
    )


KNOWN = {
    **{f"ball in ball {edges}": _balls_in_each_other(edges) for edges in SPACINGS_MM},
    **{f"ball moved {edges}": _ball_moved(edges) for edges in SPACINGS_MM},
    **{f"disc in disc {edges}": _discs_in_each_other(edges) for edges in SPACINGS_MM},
}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("known", KNOWN.values(), ids=KNOWN)
def test_a_round_shape_scores_nearly_what_is_known_of_it(known: Known, metric: str) -> None:
    known_answers.check(known, metric)


@pytest.mark.parametrize("known", KNOWN.values(), ids=KNOWN)
def test_every_metric_has_a_known_answer(known: Known) -> None:
    assert is_complete(known.answers)
