"""Lesions on arrays one can see: found, missed, imagined, merged, and one prediction over two."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from medseg.core.errors import GeometryError
from medseg.metrics.lesion_rules import LESION_RULES, LesionRules
from medseg.metrics.lesions import COLUMNS, LesionScores, score_lesions, score_missing
from medseg.metrics.mask_pair import compare_masks
from medseg.metrics.overlap import dice
from medseg.metrics.policy import POLICIES, MetricPolicy, penalised, state_of

ONE_MM = (1.0, 1.0, 1.0)
PLAIN = LESION_RULES["default"]
BRATS = replace(LESION_RULES["brats2023-gli"], ignored_up_to_mm3=0.0)


def _mask(*boxes: tuple[slice | int, ...], shape: tuple[int, ...] = (20, 12, 12)) -> np.ndarray:
    mask = np.zeros(shape, bool)
    for box in boxes:
        mask[box] = True
    return mask


LEFT, RIGHT = np.s_[2:5, 2:5, 2:5], np.s_[12:15, 2:5, 2:5]  # two cubes of 27 voxels, 7 voxels apart


def _score(
    prediction: np.ndarray, reference: np.ndarray, rules: LesionRules = PLAIN, spacing: tuple[float, ...] = ONE_MM
) -> LesionScores:
    return score_lesions(prediction, reference, spacing, rules=rules)


def _hd95(prediction: np.ndarray, reference: np.ndarray, variant: str) -> float:
    return compare_masks(prediction, reference, ONE_MM).hausdorff_mm(95.0, variant=variant)


def _counts(scores: LesionScores) -> tuple[int, int, int]:
    return scores.matched, scores.missed, scores.hallucinated


def test_two_lesions_found_exactly_are_perfect() -> None:
    scores = _score(_mask(LEFT, RIGHT), _mask(LEFT, RIGHT))
    assert _counts(scores) == (2, 0, 0)
    assert (scores.dice, scores.hd95_mm, scores.f1) == (1.0, 0.0, 1.0)


def test_a_missed_lesion_costs_dice_and_the_diagonal() -> None:
    scores = _score(_mask(LEFT), _mask(LEFT, RIGHT), spacing=(0.5, 1.0, 2.0))
    diagonal = math.sqrt(10**2 + 12**2 + 24**2)
    assert _counts(scores) == (1, 1, 0)
    assert scores.dice == 0.5
    assert scores.hd95_mm == pytest.approx(diagonal / 2)
    assert scores.f1 == pytest.approx(2 / 3)
    assert [lesion.state for lesion in scores.lesions] == ["matched", "missed"]
    assert scores.lesions[1].reference_ml == pytest.approx(0.027)
    assert scores.lesions[1].prediction_ml == 0.0


def test_a_hallucinated_lesion_costs_as_much_and_is_a_row_of_its_own() -> None:
    scores = _score(_mask(LEFT, RIGHT), _mask(LEFT), BRATS)
    assert _counts(scores) == (1, 0, 1)
    assert (scores.dice, scores.hd95_mm) == (0.5, 187.0)  # (0 + 374) / 2
    row = scores.lesions[1]
    assert row.row("P1", "ET") == ["P1", "ET", 2, "hallucinated", 0.0, pytest.approx(0.027), 0.0, 374.0]
    assert len(row.row("P1", "ET")) == len(COLUMNS)


def test_one_prediction_over_two_lesions_finds_both_and_pays_in_each() -> None:
    bridge = _mask(np.s_[2:15, 2:5, 2:5])  # 13 x 3 x 3 = 117 voxels over both cubes and between
    scores = _score(bridge, _mask(LEFT, RIGHT))
    assert _counts(scores) == (2, 0, 0)
    assert [lesion.dice for lesion in scores.lesions] == pytest.approx([2 * 27 / (27 + 117)] * 2)
    assert scores.lesions[0].prediction_ml == scores.lesions[1].prediction_ml == pytest.approx(0.117)


def test_two_predicted_parts_on_one_lesion_count_to_it_together() -> None:
    halves = _mask(np.s_[2, 2:5, 2:5], np.s_[4, 2:5, 2:5])  # the middle layer is missing
    scores = _score(halves, _mask(LEFT))
    assert _counts(scores) == (1, 0, 0)
    assert scores.dice == pytest.approx(2 * 18 / (27 + 18))
    assert scores.hd95_mm == 1.0


def test_lesions_that_touch_at_a_corner_are_one_or_two_as_asked() -> None:
    touching = _mask(np.s_[2:5, 2:5, 2:5], np.s_[5:8, 5:8, 5:8])
    assert len(_score(touching, touching).lesions) == 1
    assert len(_score(touching, touching, replace(PLAIN, connectivity=18)).lesions) == 2


def test_growth_merges_near_lesions_and_leaves_their_voxels() -> None:
    near = _mask(np.s_[2:4, 2:4, 2:4], np.s_[8:10, 2:4, 2:4])  # four voxels between: three steps each meet
    assert len(_score(near, near).lesions) == 2
    (merged,) = _score(near, near, BRATS).lesions
    assert (merged.reference_ml, merged.dice) == (pytest.approx(0.016), 1.0)
    far = _mask(np.s_[2:4, 2:4, 2:4], np.s_[11:13, 2:4, 2:4])  # seven between: one stays free
    assert len(_score(far, far, BRATS).lesions) == 2


def test_half_of_merged_lesions_found_is_a_poor_find_and_no_miss() -> None:
    near = _mask(np.s_[2:4, 2:4, 2:4], np.s_[8:10, 2:4, 2:4])
    scores = _score(_mask(np.s_[2:4, 2:4, 2:4]), near, BRATS)
    assert _counts(scores) == (1, 0, 0)
    assert scores.dice == pytest.approx(2 * 8 / (16 + 8))


def test_a_prediction_beside_the_lesion_is_a_find_only_where_the_lesion_is_grown() -> None:
    beside = _mask(np.s_[6:9, 2:5, 2:5])  # one voxel free between
    assert _counts(_score(beside, _mask(LEFT))) == (0, 1, 1)
    scores = _score(beside, _mask(LEFT), BRATS)
    assert _counts(scores) == (1, 0, 0)
    assert scores.dice == 0.0
    assert 0.0 < scores.hd95_mm < 10.0


def test_lesions_up_to_the_limit_do_not_count_found_or_not() -> None:
    rules = replace(BRATS, ignored_up_to_mm3=27.0)
    large = np.s_[13:18, 2:6, 2:6]
    for prediction in (_mask(large), _mask(LEFT, large)):
        scores = _score(prediction, _mask(LEFT, large), rules)
        assert _counts(scores) == (1, 0, 0)
        assert (scores.dice, scores.ignored) == (1.0, 1)
        assert scores.lesions[0].state == "ignored"
    assert _score(_mask(large), _mask(LEFT, large), replace(rules, ignored_up_to_mm3=26.9)).missed == 1


def test_the_limit_is_a_volume_and_holds_to_the_last_digit() -> None:
    rules = replace(PLAIN, ignored_up_to_mm3=2.7)
    assert _score(_mask(LEFT), _mask(LEFT), rules, spacing=(0.1, 1.0, 1.0)).ignored == 1


def test_nothing_to_find_and_nothing_found_is_not_scored_or_perfect() -> None:
    nothing = _score(_mask(), _mask())
    assert nothing.lesions == ()
    assert all(math.isnan(total) for total in (nothing.dice, nothing.hd95_mm, nothing.f1))
    perfect = _score(_mask(), _mask(), BRATS)
    assert (perfect.dice, perfect.hd95_mm, perfect.f1) == (1.0, 0.0, 1.0)


def test_only_hallucinated_lesions_score_nothing() -> None:
    scores = _score(_mask(LEFT), _mask(), BRATS)
    assert (scores.dice, scores.hd95_mm, scores.f1, scores.hallucinated) == (0.0, 374.0, 0.0, 1)


@pytest.mark.parametrize("rules", [PLAIN, BRATS], ids=lambda rules: rules.name)
def test_without_a_prediction_the_score_is_the_worst_with_lesions_and_without(rules: LesionRules) -> None:
    worst = 374.0 if rules is BRATS else math.sqrt(20**2 + 12**2 + 12**2)
    for reference, missed in ((_mask(LEFT, RIGHT), 2), (_mask(), 0)):
        scores = score_missing(reference, ONE_MM, rules=rules)
        assert (scores.missed, scores.dice, scores.f1) == (missed, 0.0, 0.0)
        assert scores.hd95_mm == pytest.approx(worst)


def test_a_slice_has_lesions_without_a_volume() -> None:
    reference = np.zeros((8, 8), bool)
    reference[1, 1] = reference[2, 2] = reference[6, 6] = True
    scores = score_lesions(reference, reference, (0.5, 0.5), rules=PLAIN)
    assert [math.isnan(lesion.reference_ml) for lesion in scores.lesions] == [True, True]
    assert score_lesions(reference, reference, (0.5, 0.5), rules=replace(PLAIN, connectivity=6)).matched == 3
    small = score_lesions(reference, reference, (0.5, 0.5), rules=replace(PLAIN, ignored_up_to_mm3=0.25))
    assert (small.matched, small.ignored) == (1, 1)  # two pixels of 0.25 mm² are more than the limit, one is not


@pytest.mark.parametrize(
    ("prediction", "reference", "spacing"),
    [((4, 4, 4), (4, 4, 1), ONE_MM), ((4,), (4,), (1.0,)), ((4, 4), (4, 4), ONE_MM)],
)
def test_other_grids_are_refused(
    prediction: tuple[int, ...], reference: tuple[int, ...], spacing: tuple[float, ...]
) -> None:
    with pytest.raises(GeometryError, match="Bring both masks to one grid"):
        score_lesions(np.ones(prediction, bool), np.ones(reference, bool), spacing, rules=PLAIN)


MASKS = arrays(bool, (7, 6, 5), elements=st.sampled_from([False] * 7 + [True]))


@given(MASKS, MASKS, st.sampled_from(list(LESION_RULES.values())))
def test_on_any_masks_it_follows_the_published_rules_word_by_word(
    prediction: np.ndarray, reference: np.ndarray, rules: LesionRules
) -> None:
    """Lesion by lesion on whole arrays, each grown by itself, as the challenge describes it."""
    corners, edges = np.ones((3, 3, 3)), ndimage.generate_binary_structure(3, 2)

    def grown(mask: np.ndarray) -> np.ndarray:
        return ndimage.binary_dilation(mask, edges, iterations=rules.dilation) if rules.dilation else mask

    parts, count = ndimage.label(prediction, corners)
    regions, lesions = ndimage.label(grown(reference), corners)
    used, scored = set(), []
    for number in range(1, lesions + 1):
        lesion = reference & (regions == number)
        touched = set(np.unique(parts[grown(lesion)]).tolist()) - {0}
        used |= touched
        if lesion.sum() <= rules.ignored_up_to_mm3:
            continue
        found = np.isin(parts, sorted(touched))
        distance = _hd95(found, lesion, rules.hd_variant) if touched else None
        scored.append((dice(found, lesion), distance))
    penalty = math.sqrt(49 + 36 + 25) if rules.name == "default" else 374.0
    distances = [penalty if distance is None else distance for _, distance in scored]
    imagined = count - len(used)

    ours = score_lesions(prediction, reference, ONE_MM, rules=rules)
    assert (ours.matched + ours.missed, ours.hallucinated) == (len(scored), imagined)
    assert ours.missed == sum(distance is None for _, distance in scored)
    if scored or imagined:
        assert ours.dice == pytest.approx(sum(value for value, _ in scored) / (len(scored) + imagined))
        assert ours.hd95_mm == pytest.approx((sum(distances) + imagined * penalty) / (len(scored) + imagined))


def _ten_lesions() -> list[tuple[slice, ...]]:
    """Ten boxes of 27 to 63 voxels on a grid of 5 x 2, the largest first."""
    return [
        np.s_[8 * (n % 5) + 2 : 8 * (n % 5) + 5, 12 * (n // 5) + 2 : 12 * (n // 5) + 5, 2 : 9 - n // 2]
        for n in range(10)
    ]


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_each_lesion_missed_makes_dice_and_hd95_worse(policy: MetricPolicy) -> None:
    """Missing k of 10 lesions for k from 0 to 10, lesion-wise and over the whole volume."""
    boxes, shape = _ten_lesions(), (42, 24, 12)
    reference = _mask(*boxes, shape=shape)
    by_lesion, by_volume = [], []
    for missed in range(11):
        # Outlines are not perfect, or the distance would be 0 for as long as the percentile allows.
        prediction = (
            ndimage.binary_dilation(_mask(*boxes[: 10 - missed], shape=shape)) if missed < 10 else _mask(shape=shape)
        )
        scores = _score(prediction, reference, policy.lesions)
        by_lesion.append((scores.dice, scores.hd95_mm))
        state = state_of(prediction_empty=missed == 10, reference_empty=False)
        hd95 = _hd95(prediction, reference, policy.hd_variant)
        fixed = {"state": state, "policy": policy, "shape": shape, "spacing_mm": ONE_MM}
        by_volume.append(
            (penalised(dice(prediction, reference), kind="share", **fixed), penalised(hd95, kind="distance", **fixed))
        )
    for steps in (by_lesion, by_volume):
        assert all(after[0] < before[0] for before, after in pairwise(steps))
        assert all(after[1] >= before[1] for before, after in pairwise(steps))
        assert steps[-1][0] == 0.0
    assert all(after[1] > before[1] for before, after in pairwise(by_lesion))
    assert by_volume[8][1] > 5 * by_volume[0][1]  # eight of ten missed is seen
    assert by_volume[10][1] == policy.penalty_mm(shape, ONE_MM)
