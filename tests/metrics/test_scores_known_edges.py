"""Where metrics break: empty masks, absent predictions, the border of the image, single voxels.

Every row of ``METRICS`` under every policy, variant and weighting. BraTS scores an absent label at 373.13 mm and an
absent lesion at 374 mm; by default both are the diagonal of the image.
"""

from math import sqrt

import known_answers
import numpy as np
import pytest
from known_answers import NAN, Answer, Known, at_edge, at_vertex, counts, is_complete, one_lesion, same_distance

from medseg.metrics.metric import METRICS

THICK = (0.5, 0.5, 7.5)
EMPTY_SHAPE, DIAGONAL_MM = (6, 8, 8), sqrt(3**2 + 4**2 + 60**2)  # of THICK voxels
SLICE, SLICE_DIAGONAL_MM = (6, 8, 1), 5.0  # 6 · 0.5 by 8 · 0.5; the thin axis is no part of it
BLOCK = np.s_[1:5, 2:6, 0:2]  # 4 x 4 x 2 voxels, 60 mm³: counts in BraTS; in the slice 16 pixels, 4 "mm³": does not


def _map(shape: tuple[int, ...], *boxes: tuple[slice | int, ...], value: int = 1) -> np.ndarray:
    labels = np.zeros(shape, np.uint8)
    for box in boxes:
        labels[box] = value
    return labels


def _all(shares: Answer, distances: Answer, lesions: Answer, lesion_mm: Answer) -> dict[str, Answer]:
    """The same for all shares, distances, and shares of lesions."""
    return (
        dict.fromkeys(("dice", "iou", "precision", "recall", "nsd"), shares)
        | dict.fromkeys(("hd_mm", "hd95_mm", "assd_mm"), distances)
        | dict.fromkeys(("lesion_dice", "lesion_f1"), lesions)
        | {"lesion_hd95_mm": lesion_mm}
    )


def _volumes(reference: float, prediction: float, difference: float) -> dict[str, Answer]:
    return {"reference_ml": reference, "prediction_ml": prediction, "difference_ml": difference}


def _lesions(matched: Answer, missed: Answer, hallucinated: Answer) -> dict[str, Answer]:
    return {"lesions_matched": matched, "lesions_missed": missed, "lesions_hallucinated": hallucinated}


def _both_empty(shape: tuple[int, ...], *, other: int = 0) -> Known:
    """Nothing to find and nothing found: not scored by default, perfect in BraTS; volumes are 0, of pixels nan."""
    empty, volume = _map(shape, BLOCK, value=other), NAN if shape == SLICE else 0.0
    nothing, none_mm = {"default": NAN, "brats": 1.0}, {"default": NAN, "brats": 0.0}
    answers = _all(nothing, none_mm, nothing, none_mm) | _volumes(volume, volume, volume) | _lesions(0.0, 0.0, 0.0)
    return Known(prediction=empty, reference=empty, spacing_mm=THICK, answers=answers)


def _one_empty(shape: tuple[int, ...], which: str) -> Known:
    """A block in the reference alone, in the prediction alone, or in the reference without a usable prediction.

    Shares 0, distances the penalty. By default the lesion is missed or hallucinated. BraTS leaves the block of the
    slice out of the reference's lesions (4 "mm³"), never out of the prediction's; nothing is left to score: perfect,
    but not where there is no prediction.
    """
    empty, block, flat = _map(shape), _map(shape, BLOCK), shape == SLICE
    diagonal_mm, volume = (SLICE_DIAGONAL_MM, NAN) if flat else (DIAGONAL_MM, 0.06)
    left_out = flat and which != "prediction"
    perfect = left_out and which == "reference"
    lesion, lesion_mm = (1.0, 0.0) if perfect else (0.0, 374.0)
    one = {"default": 1.0, "brats": 0.0 if left_out else 1.0}
    volumes = {
        "reference": _volumes(volume, 0.0 * volume, -volume),
        "prediction": _volumes(0.0 * volume, volume, volume),
        "missing": _volumes(volume, NAN, NAN),  # how much was predicted is not known
    }
    return Known(
        prediction={"reference": empty, "prediction": block, "missing": None}[which],
        reference=empty if which == "prediction" else block,
        spacing_mm=THICK,
        answers=_all(
            0.0,
            {"default": diagonal_mm, "brats": 373.13},
            {"default": 0.0, "brats": lesion},
            {"default": diagonal_mm, "brats": lesion_mm},
        )
        | volumes[which]
        | (_lesions(0.0, 0.0, one) if which == "prediction" else _lesions(0.0, one, 0.0)),
    )


def _missing_and_absent(shape: tuple[int, ...]) -> Known:
    """No usable prediction, and the label is not in the reference: the worst, as nothing shows it was left out."""
    diagonal_mm, volume = (SLICE_DIAGONAL_MM, NAN) if shape == SLICE else (DIAGONAL_MM, 0.0)
    far, lesion_far = {"default": diagonal_mm, "brats": 373.13}, {"default": diagonal_mm, "brats": 374.0}
    return Known(
        prediction=None,
        reference=_map(shape),
        spacing_mm=THICK,
        answers=_all(0.0, far, 0.0, lesion_far) | _volumes(volume, NAN, NAN) | _lesions(0.0, 0.0, 0.0),
    )


def _fills_the_image() -> Known:
    """The reference fills an image of 4 x 3 x 2 voxels of 2, 1, 1 mm; the prediction lacks the last layer, i = 3.

    Outside the image is background, so every voxel is surface. The reference's last layer, 6 of 24 voxels, is 2 mm from
    the prediction, all others 0; the prediction's 18 are all 0. The 95th percentile of 24 (place 21.85) and that of 42
    (38.95) lie among the six.

    Corners: 12 in the last layer, 2 mm away: 4 vertices, 4 edge corners along y, 2 along z, 2 faces of 1 mm². The next
    layer's rim lies on the prediction's last, of which 2 faces are inside the reference, 1 mm from its surface. The
    reference has, beside two such caps, three layers in between, each with 4 edge corners along x and 6 faces of 2 mm²;
    the prediction two. A cap is more than 5 % of the area.

    BraTS leaves out 48 mm³.
    """
    x, y, z = spacing_mm = (2.0, 1.0, 1.0)
    cap = 4 * at_vertex(spacing_mm) + 4 * at_edge(y, (x, z)) + 2 * at_edge(z, (x, y)) + 2 * y * z
    layer = 4 * at_edge(x, (y, z)) + 4 * x * y + 2 * x * z
    outer, inner = 2 * cap + 3 * layer, 2 * cap + 2 * layer
    assert cap > 0.05 * outer
    full = _map((4, 3, 2), np.s_[:])
    return Known(
        prediction=_map((4, 3, 2), np.s_[:3]),
        reference=full,
        spacing_mm=spacing_mm,
        answers=counts(18, 0, 6, 2.0)
        | {"hd_mm": 2.0, "hd95_mm": 2.0}
        | {"assd_mm": {"voxel": 12 / 42, "pooled": 12 / 42, "area": (2 * cap + 2 * 1.0) / (outer + inner)}}
        | {"nsd": {"voxel": 36 / 42, "area": 1 - cap / (outer + inner)}}
        | one_lesion(6 / 7, 2.0, counts_in_brats=False),
    )


def _one_voxel_two_slices_off() -> Known:
    """One voxel each, in a corner of the image: 15 mm; of the 8 corners of each 4 are 15, 4 are 7.5 mm away.

    By default missed and hallucinated, at the diagonal of 1, 2, 37.5 mm. For BraTS the lesion, grown by 3, reaches the
    prediction, which is then no hallucination, and is left out with 1.875 mm³: nothing is left, perfect.
    """
    spacing_mm, shape = THICK, (2, 4, 5)
    return Known(
        prediction=_map(shape, (0, 3, 0)),
        reference=_map(shape, (0, 3, 2)),
        spacing_mm=spacing_mm,
        tolerance_mm=7.5,
        answers=counts(0, 1, 1, 1.875)
        | {"hd_mm": 15.0, "hd95_mm": 15.0, "assd_mm": {"voxel": 15.0, "pooled": 15.0, "area": 11.25}}
        | {"nsd": {"voxel": 0.0, "area": 0.5}}
        | {"lesion_dice": {"default": 0.0, "brats": 1.0}, "lesion_f1": {"default": 0.0, "brats": 1.0}}
        | {"lesion_hd95_mm": {"default": sqrt(1 + 4 + 37.5**2), "brats": 0.0}}
        | _lesions(0.0, {"default": 1.0, "brats": 0.0}, {"default": 1.0, "brats": 0.0}),
    )


def _one_pixel_off() -> Known:
    """One pixel each, side by side along the slower axis of 7.5 mm: two corners of each are shared, two 7.5 mm away."""
    return Known(
        prediction=_map((3, 1, 3), (0, 0, 2)),
        reference=_map((3, 1, 3), (1, 0, 2)),
        spacing_mm=(7.5, 3.0, 0.5),
        answers=counts(0, 1, 1, NAN)
        | {"hd_mm": 7.5, "hd95_mm": 7.5, "assd_mm": {"voxel": 7.5, "pooled": 7.5, "area": 3.75}}
        | {"nsd": {"voxel": 0.0, "area": 0.5}}
        | {"lesion_dice": {"default": 0.0, "brats": 1.0}, "lesion_f1": {"default": 0.0, "brats": 1.0}}
        | {"lesion_hd95_mm": {"default": sqrt(22.5**2 + 1.5**2), "brats": 0.0}}
        | _lesions(0.0, {"default": 1.0, "brats": 0.0}, {"default": 1.0, "brats": 0.0}),
    )


def _equal(shape: tuple[int, ...], *boxes: tuple[slice | int, ...], mm3: float) -> Known:
    """Equal masks are perfect; pixels have no volume."""
    labels = _map(shape, *boxes)
    voxel_mm3 = NAN if shape.count(1) == 1 else 1.875
    return Known(
        prediction=labels,
        reference=labels,
        spacing_mm=THICK,
        answers=counts(int(labels.sum()), 0, 0, voxel_mm3)
        | same_distance(0.0)
        | {"nsd": 1.0}
        | one_lesion(1.0, 0.0, counts_in_brats=mm3 > 50),
    )


def _region_of_two_values() -> Known:
    """A region of the values 1 and 4 does not care which of both a voxel has; 2 is no part of it."""
    prediction, reference = (_map((6, 6, 6), np.s_[1:5, 1:5, 0:4], value=value) for value in (4, 1))
    prediction[5], reference[5] = 2, 2
    return Known(
        prediction=prediction,
        reference=reference,
        spacing_mm=THICK,
        values=(1, 4),
        answers=counts(64, 0, 0, 1.875)
        | same_distance(0.0)
        | {"nsd": 1.0}
        | one_lesion(1.0, 0.0, counts_in_brats=True),
    )


KNOWN = {
    "both empty": _both_empty(EMPTY_SHAPE),
    "both empty in 2D": _both_empty(SLICE),
    "both hold another value": _both_empty(EMPTY_SHAPE, other=3),
    **{f"in the {which} alone": _one_empty(EMPTY_SHAPE, which) for which in ("reference", "prediction")},
    **{f"in the {which} alone, 2D": _one_empty(SLICE, which) for which in ("reference", "prediction")},
    "no usable prediction": _one_empty(EMPTY_SHAPE, "missing"),
    "no usable prediction, 2D": _one_empty(SLICE, "missing"),
    "no usable prediction of an absent label": _missing_and_absent(EMPTY_SHAPE),
    "no usable prediction of an absent label, 2D": _missing_and_absent(SLICE),
    "fills the image": _fills_the_image(),
    "one voxel two slices off": _one_voxel_two_slices_off(),
    "one pixel off": _one_pixel_off(),
    "one voxel, equal": _equal((5, 4, 3), (2, 3, 2), mm3=1.875),
    "one pixel, equal": _equal((5, 4, 1), (4, 3, 0), mm3=0.25),
    "an image of one voxel": _equal((1, 1, 1), (0, 0, 0), mm3=1.875),
    "a line that is the image": _equal((1, 1, 30), (0, 0), mm3=30 * 1.875),
    "all of the image": _equal((4, 4, 4), np.s_[:], mm3=120.0),
    "all of a slice": _equal((4, 4, 1), np.s_[:], mm3=4.0),
    "a region of two values": _region_of_two_values(),
}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("known", KNOWN.values(), ids=KNOWN)
def test_an_edge_case_scores_what_is_known_of_it(known: Known, metric: str) -> None:
    known_answers.check(known, metric)


@pytest.mark.parametrize("known", KNOWN.values(), ids=KNOWN)
def test_every_metric_has_a_known_answer(known: Known) -> None:
    assert is_complete(known.answers)
