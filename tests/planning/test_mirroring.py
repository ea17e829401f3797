from collections.abc import Callable

import numpy as np
import pytest

from medseg.planning.likeness import signature_of
from medseg.planning.measures import LabelMeasures, StudyMeasures
from medseg.planning.mirroring import FEWEST_FOR_OTHER_AXES, is_sided, judge_mirroring

NAMES = {1: "head", 2: "tail"}
MANY = FEWEST_FOR_OTHER_AXES
Study = Callable[..., StudyMeasures]
Label = Callable[..., LabelMeasures]


def ways(study: Study, label: Label, offsets: list[tuple[float, float, float]]) -> list[StudyMeasures]:
    """Studies in which label 2 lies so far from label 1, and both about the middle."""
    halves = [np.array(offset) / 2 for offset in offsets]
    return [study(labels={1: label(centre=tuple(-half)), 2: label(centre=tuple(half))}) for half in halves]


def scattered(n: int, axis: int, way: float = 0.0, deviation: float = 3.0) -> list[tuple[float, float, float]]:
    drawn = np.random.default_rng(0).normal(0, deviation, (n, 3))
    drawn[:, axis] += way
    return [tuple(row) for row in drawn]


def allowed(studies: list[StudyMeasures], names: dict[int, str] = NAMES, *, is_patient: bool = True) -> list[int]:
    return [one.axis for one in judge_mirroring(studies, names, axes=(0, 1, 2), is_patient=is_patient) if one.allowed]


def test_head_and_tail_forbid_their_axis_and_no_other(study: Study, label: Label) -> None:
    studies = ways(study, label, scattered(MANY, axis=1, way=20.0))
    assert allowed(studies) == [0, 2]
    reason = judge_mirroring(studies, NAMES, axes=(1,), is_patient=True)[0].reason
    assert reason.startswith("back-front no: from head to tail +")
    assert reason.endswith("same sign in 100% of 20")


def test_left_and_right_forbid_their_axis(study: Study, label: Label) -> None:
    assert allowed(ways(study, label, scattered(MANY, axis=0, way=-30.0))) == [1, 2]


def test_labels_on_either_side_forbid_nothing(study: Study, label: Label) -> None:
    studies = ways(study, label, scattered(MANY, axis=0, way=20.0))
    assert allowed([*studies, *ways(study, label, scattered(MANY, axis=0, way=-20.0))]) == [0, 1, 2]


def test_one_label_that_always_lies_on_one_side_forbids_its_axis(study: Study, label: Label) -> None:
    studies = [study(labels={1: label(centre=centre)}) for centre in scattered(MANY, axis=2, way=-25.0)]
    assert allowed(studies, {1: "prostate"}) == [0, 1]


def test_a_consistent_hairs_breadth_confuses_nobody(study: Study, label: Label) -> None:
    # 0.8 mm of labels that spread over 4 mm is a fifth of the spread
    assert allowed(ways(study, label, scattered(MANY, axis=1, way=0.8, deviation=0.1))) == [0, 1, 2]


def test_a_label_named_after_its_side_forbids_left_and_right_before_anything_is_measured(study: Study) -> None:
    studies = [study(labels={})] * MANY
    assert allowed(studies, {1: "Left kidney", 2: "spine"}) == [1, 2]
    assert allowed(studies, {1: "cleft", 2: "bright spot"}) == [0, 1, 2]
    assert allowed(studies, {1: "left"}, is_patient=False) == [0, 1, 2]


@pytest.mark.parametrize(
    "name",
    ["Left kidney", "kidney_right", "LeftKidney", "kidneyRight", "leftkidney", "kidneyleft", "lh", "RH cortex", "L",
     "R", "kidney_l", "LKidney", "hippocampusR", "hip-right"],
)  # fmt: skip
def test_a_name_with_a_side_is_known_however_it_is_spelled(name: str) -> None:
    assert is_sided(name)


@pytest.mark.parametrize(
    "name", ["cleft", "bright spot", "Upright", "leftover", "L1", "L5 vertebra", "liver", "rhombus", "LV", "MRI", ""]
)
def test_a_name_that_only_looks_like_a_side_is_none(name: str) -> None:
    assert not is_sided(name)


def test_what_allows_an_axis_is_the_largest_number_that_counts(study: Study, label: Label) -> None:
    """Label 3 lies 40 mm, ten times its spread, from the others, in two studies; 1 and 2 have the same sign in all."""
    near = {1: label(centre=(0.1, 0.0, 0.0)), 2: label(centre=(0.2, 0.0, 0.0))}
    far = {1: label(centre=(0.1, 0.0, 0.0)), 2: label(centre=(-0.8, 0.0, 0.0)), 3: label(centre=(40.0, 0.0, 0.0))}
    studies = [study(labels=near)] * 2 + [study(labels=far)] * 2 + [study(labels={2: label(centre=(-0.8, 0.0, 0.0))})]
    (found,) = judge_mirroring(studies, {1: "a", 2: "b", 3: "c"}, axes=(0,), is_patient=True)
    assert found.allowed
    assert "at most from the middle to b -0.20 of the spread, same sign in 60% of 5" in found.reason  # 0.8 of 4 mm


def test_few_studies_allow_left_and_right_alone(study: Study, label: Label) -> None:
    studies = ways(study, label, scattered(MANY - 1, axis=0))
    assert allowed(studies) == [0]
    assert allowed(studies, is_patient=False) == [0, 1, 2]
    assert "19 studies are too few" in judge_mirroring(studies, NAMES, axes=(2,), is_patient=True)[0].reason


def test_images_that_differ_from_their_mirror_image_forbid_the_axis(study: Study) -> None:
    random = np.random.default_rng(1)
    ramp = np.zeros((1, 24, 24, 24))
    ramp += np.linspace(0, 1, 24)[None, None, :, None]  # brighter to the front, even along the other axes
    studies = [study(labels={}, signature=signature_of(ramp + random.normal(0, 0.05, ramp.shape))) for _ in range(MANY)]
    assert allowed(studies) == [0, 2]


@pytest.mark.parametrize(("thin", "axis"), [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)])
def test_images_of_one_slice_are_compared_too(study: Study, thin: int, axis: int) -> None:
    random, shape = np.random.default_rng(1), [1, 24, 24, 24]
    shape[thin + 1] = 1
    ramp = np.zeros(shape) + np.linspace(0, 1, 24).reshape([24 if n == axis + 1 else 1 for n in range(4)])
    studies = [study(labels={}, signature=signature_of(ramp + random.normal(0, 0.05, shape))) for _ in range(MANY)]
    axes = [n for n in range(3) if n != thin]
    found = judge_mirroring(studies, {}, axes=axes, is_patient=False)
    assert [one.axis for one in found if one.allowed] == [n for n in axes if n != axis]
