"""One study scored on masks one can count: what the policy makes of empty ones, of failures, of 2D and of regions."""

import math

import numpy as np
import pytest

from medseg.core.errors import GeometryError
from medseg.metrics.lesion_rules import BRATS_LESION_PENALTY_MM
from medseg.metrics.metric import METRICS
from medseg.metrics.policy import BRATS_PENALTY_MM, POLICIES, choose_policy
from medseg.metrics.scores import LabelScore, image_edges_mm, score_failed, score_maps

SHAPE = (12, 10, 8)
AFFINE = np.diag([1.0, 2.0, 3.0, 1.0])
DIAGONAL_MM = math.sqrt(12**2 + 20**2 + 24**2)
DEFAULT, BRATS = POLICIES["default"], POLICIES["brats"]
LABELS = {"core": (1,), "oedema": (2,), "whole": (1, 2)}
SHARES = [key for key, metric in METRICS.items() if metric.kind == "share"]
OVERLAPS = ["dice", "iou", "precision", "recall", "nsd"]
DISTANCES = ["hd_mm", "hd95_mm", "assd_mm"]


def _map(*boxes: tuple[tuple[slice, ...], int], shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    labels = np.zeros(shape, np.uint8)
    for box, value in boxes:
        labels[box] = value
    return labels


NONE = _map()
CUBE = np.s_[3:6, 3:6, 3:6]  # 27 voxels of 6 mm³


def _one(prediction: np.ndarray, reference: np.ndarray, policy=DEFAULT, affine: np.ndarray = AFFINE) -> LabelScore:
    return score_maps(prediction, reference, affine, {"core": (1,)}, policy)["core"]


def _all(score: LabelScore, keys: list[str]) -> list[float]:
    return [score.values[key] for key in keys]


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_every_metric_of_the_table_is_there_in_its_order(policy: object) -> None:
    for score in (_one(_map((CUBE, 1)), _map((CUBE, 1)), policy), score_failed(NONE, AFFINE, LABELS, policy)["core"]):
        assert list(score.values) == list(METRICS)
        assert all(type(value) is float for value in score.values.values())


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_a_perfect_prediction_has_the_best_scores_and_no_tag(policy: object) -> None:
    score = _one(_map((CUBE, 1)), _map((CUBE, 1)), policy)
    assert (score.state, score.tags) == ("scored", ())
    assert _all(score, SHARES) == [1.0] * len(SHARES)
    assert _all(score, [*DISTANCES, "lesion_hd95_mm"]) == [0.0] * 4
    assert _all(score, ["reference_ml", "prediction_ml", "difference_ml"]) == pytest.approx([0.162, 0.162, 0.0])


def test_a_label_in_neither_mask_is_not_scored_by_default() -> None:
    score = _one(NONE, NONE)
    assert (score.state, score.tags, score.lesions) == ("both_empty", (), ())
    assert all(math.isnan(value) for value in _all(score, [*SHARES, *DISTANCES, "lesion_hd95_mm"]))
    assert _all(score, ["reference_ml", "prediction_ml", "difference_ml"]) == [0.0, 0.0, 0.0]


def test_a_label_in_neither_mask_is_perfect_in_brats() -> None:
    score = _one(NONE, NONE, BRATS)
    assert score.state == "both_empty"
    assert _all(score, SHARES) == [1.0] * len(SHARES)
    assert _all(score, [*DISTANCES, "lesion_hd95_mm"]) == [0.0] * 4


@pytest.mark.parametrize(
    ("policy", "worst_mm", "lesion_mm"),
    [(DEFAULT, DIAGONAL_MM, DIAGONAL_MM), (BRATS, BRATS_PENALTY_MM, BRATS_LESION_PENALTY_MM)],
    ids=POLICIES,
)
@pytest.mark.parametrize("missed", [True, False])
def test_a_label_in_one_mask_has_the_worst_scores(
    policy: object, worst_mm: float, lesion_mm: float, missed: bool
) -> None:
    large = _map((np.s_[2:9, 2:9, 2:6], 1))  # 196 voxels: the rules of BraTS count it
    score = _one(NONE, large, policy) if missed else _one(large, NONE, policy)
    assert score.state == ("prediction_empty" if missed else "reference_empty")
    assert score.tags == ("missed" if missed else "hallucinated",)
    assert _all(score, SHARES) == [0.0] * len(SHARES)
    assert _all(score, DISTANCES) == pytest.approx([worst_mm] * 3)
    assert score.values["lesion_hd95_mm"] == pytest.approx(lesion_mm)
    assert score.values["difference_ml"] == pytest.approx((-1 if missed else 1) * 196 * 0.006)
    assert _all(score, ["lesions_matched", "lesions_missed", "lesions_hallucinated"]) == [0, missed, not missed]


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_a_failed_study_scores_worst_for_every_label_also_for_one_that_is_not_there(policy: object) -> None:
    reference = _map((np.s_[2:9, 2:9, 2:6], 1))
    scores = score_failed(reference, AFFINE, LABELS, policy)
    assert list(scores) == list(LABELS)
    for name, score in scores.items():
        assert score.state == "missing"
        assert _all(score, SHARES) == [0.0] * len(SHARES)
        worst_mm = policy.penalty_mm(SHAPE, (1.0, 2.0, 3.0))
        assert _all(score, DISTANCES) == pytest.approx([worst_mm] * 3)
        assert score.tags == (() if name == "oedema" else ("missed",))


def test_a_failed_study_has_volumes_of_the_reference_alone() -> None:
    score = score_failed(_map((CUBE, 1)), AFFINE, LABELS, DEFAULT)["core"]
    assert score.values["reference_ml"] == pytest.approx(0.162)
    assert math.isnan(score.values["prediction_ml"])
    assert math.isnan(score.values["difference_ml"])
    assert [lesion.state for lesion in score.lesions] == ["missed"]


def test_a_failed_study_is_not_better_than_one_that_was_predicted_empty() -> None:
    reference = _map((CUBE, 1))
    failed, empty = score_failed(reference, AFFINE, {"core": (1,)}, DEFAULT)["core"], _one(NONE, reference)
    for key in [*SHARES, *DISTANCES]:
        assert failed.values[key] == empty.values[key]


@pytest.mark.parametrize(("axis", "edge_mm"), [(0, 1.0), (1, 2.0), (2, 3.0)])
def test_distances_follow_the_spacing_of_each_axis(axis: int, edge_mm: float) -> None:
    moved = _map((CUBE, 1))
    score = _one(np.roll(moved, 2, axis), moved)
    assert score.values["hd_mm"] == 2 * edge_mm
    assert score.values["dice"] == pytest.approx(1 / 3)  # one slice of three is shared


def test_an_oblique_grid_is_scored_in_its_own_millimetres() -> None:
    turn = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
    oblique = AFFINE.copy()
    oblique[:3, :3] = turn @ AFFINE[:3, :3]
    prediction, reference = np.roll(_map((CUBE, 1)), 1, 1), _map((CUBE, 1))
    assert _one(prediction, reference, affine=oblique).values == pytest.approx(
        _one(prediction, reference).values, nan_ok=True
    )


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_map_one_voxel_thick_is_scored_in_its_plane(axis: int) -> None:
    flat = np.zeros((20, 24), np.uint8)
    flat[4:13, 6:15] = 1
    worn = np.zeros_like(flat)
    worn[5:12, 7:14] = 1
    thin, prediction = (np.expand_dims(each, axis) for each in (flat, worn))
    score = _one(prediction, thin, affine=np.diag([1.0, 1.0, 1.0, 1.0]))
    assert score.values["hd_mm"] == pytest.approx(math.sqrt(2.0))  # corner to corner
    # 32 pixels around the reference, of which 4 are corners, and 24 around the prediction. In 3D every pixel would be
    # surface, and most of it 0 mm away.
    assert score.values["assd_mm"] == pytest.approx((28 + 4 * math.sqrt(2.0) + 24) / 56)
    assert score.values["dice"] == pytest.approx(2 * 49 / (49 + 81))
    assert math.isnan(score.values["reference_ml"])  # a plane has no volume
    assert score.tags == ()


def test_tags_of_a_flat_map_know_its_edges_and_its_sides() -> None:
    flat = np.zeros((30, 24, 1), np.uint8)
    flat[4:11, 6:15] = 1
    assert _one(flat[::-1], flat, affine=np.eye(4)).tags == ("wrong side",)
    assert _one(flat[::-1], flat, affine=np.eye(4)[[1, 0, 2, 3]]).tags != ("wrong side",)
    assert _one(np.roll(flat, -4, 0), flat, affine=np.eye(4)).tags == ("shifted", "touches the field-of-view edge")


def test_the_penalty_of_a_flat_map_is_the_diagonal_of_its_plane() -> None:
    flat = np.zeros((30, 40, 1), np.uint8)
    flat[4:9, 4:9] = 1
    assert _one(flat * 0, flat, affine=np.diag([1.0, 1.0, 5.0, 1.0])).values["hd95_mm"] == 50.0


def test_the_penalty_may_be_that_of_an_image_of_another_size() -> None:
    for image_mm, expected in (((3.0, 4.0, 12.0), 13.0), ((3.0, 4.0), 5.0), (None, DIAGONAL_MM)):
        empty = score_maps(NONE, _map((CUBE, 1)), AFFINE, {"core": (1,)}, DEFAULT, image_mm=image_mm)["core"]
        failed = score_failed(_map((CUBE, 1)), AFFINE, {"core": (1,)}, DEFAULT, image_mm=image_mm)["core"]
        for score in (empty, failed):
            assert _all(score, [*DISTANCES, "lesion_hd95_mm"]) == pytest.approx([expected] * 4)
    perfect = score_maps(_map((CUBE, 1)), _map((CUBE, 1)), AFFINE, {"core": (1,)}, DEFAULT, image_mm=(3.0, 4.0))
    assert perfect["core"].values["hd_mm"] == 0.0


def test_edges_of_an_image_are_in_its_plane_where_it_is_one_voxel_thick() -> None:
    assert image_edges_mm((12, 10, 8), AFFINE) == (12.0, 20.0, 24.0)
    assert image_edges_mm((12, 1, 8), AFFINE) == (12.0, 24.0)
    assert image_edges_mm((1, 1, 8), AFFINE) == (1.0, 2.0, 24.0)


def test_a_region_joins_its_labels() -> None:
    reference = _map((np.s_[3:6, 3:6, 3:6], 1), (np.s_[6:9, 3:6, 3:6], 2))
    swapped = _map((np.s_[3:6, 3:6, 3:6], 2), (np.s_[6:9, 3:6, 3:6], 1))
    scores = score_maps(swapped, reference, AFFINE, LABELS, DEFAULT)
    assert [scores[name].values["dice"] for name in LABELS] == [0.0, 0.0, 1.0]
    assert scores["whole"].values["reference_ml"] == pytest.approx(2 * 0.162)


def test_a_region_without_its_own_voxels_is_empty_whatever_else_is_in_the_map() -> None:
    reference = _map((CUBE, 2))
    scores = score_maps(reference, reference, AFFINE, LABELS, DEFAULT)
    assert [scores[name].state for name in LABELS] == ["both_empty", "scored", "scored"]


def test_tags_are_those_of_the_whole_grid() -> None:
    reference = np.zeros((48, 40, 32), np.uint8)
    reference[4:14, 10:20, 10:20] = 1
    affine = np.eye(4)
    assert _one(reference[::-1], reference, affine=affine).tags == ("wrong side",)
    assert _one(np.roll(reference, 3, 2), reference, affine=affine).tags == ("shifted",)
    at_edge = np.roll(reference, -4, 0)
    assert _one(at_edge, at_edge, affine=affine).tags == ("touches the field-of-view edge",)


def test_each_label_has_its_own_tags() -> None:
    reference = np.zeros((48, 40, 32), np.uint8)
    reference[4:14, 10:20, 10:20], reference[30:40, 24:34, 10:20] = 1, 2
    prediction = np.where(reference == 1, 1, 0).astype(np.uint8)
    scores = score_maps(prediction, reference, np.eye(4), LABELS, DEFAULT)
    assert {name: score.tags for name, score in scores.items()} == {"core": (), "oedema": ("missed",), "whole": ()}


def test_a_tolerance_and_a_variant_of_the_policy_are_followed() -> None:
    prediction, reference = np.roll(_map((CUBE, 1)), 1, 1), _map((CUBE, 1))  # one voxel of 2 mm
    strict, lenient = (choose_policy(tolerance_mm={"core": mm}) for mm in (1.0, 2.0))
    assert _one(prediction, reference, strict).values["nsd"] < 1.0
    assert _one(prediction, reference, lenient).values["nsd"] == 1.0
    pooled = _one(prediction, reference, choose_policy(hd_variant="pooled"))
    assert pooled.values["hd95_mm"] <= _one(prediction, reference).values["hd95_mm"]


def test_maps_are_left_as_they_were() -> None:
    prediction, reference = _map((CUBE, 1)), _map((CUBE, 2))
    for labels in (prediction, reference):
        labels.flags.writeable = False
    score_maps(prediction, reference, AFFINE, LABELS, DEFAULT)
    score_failed(reference, AFFINE, LABELS, DEFAULT)


def test_no_label_gives_no_score() -> None:
    assert score_maps(NONE, NONE, AFFINE, {}, DEFAULT) == {}


def test_maps_of_two_grids_are_refused() -> None:
    with pytest.raises(GeometryError, match=r"\(12, 10, 8\), the reference \(12, 10, 7\)"):
        score_maps(NONE, NONE[..., 1:], AFFINE, LABELS, DEFAULT)
