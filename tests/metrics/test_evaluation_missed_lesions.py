"""Miss k of 10 lesions, in one study or one in each of ten: the numbers worsen with every lesion, as MONAI's do not."""

import re
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from math import hypot, isnan, nan
from pathlib import Path

import numpy as np
import pytest

from medseg.metrics.evaluation import Evaluation
from medseg.metrics.metric import METRICS
from medseg.metrics.policy import POLICIES
from medseg.metrics.scores import LabelScore, StudyScores, score_maps
from medseg.metrics.summary import Summarised

SHAPE, ONE_MM = (90, 44, 24), np.eye(4)
OFF = 2  # voxels of 1 mm along k by which every predicted lesion is off, so that HD95 of each is 2 mm
# Corner and edges of ten boxes, 64 to 1000 voxels, 9 to 36 mm from one another, in the order in which they are missed.
LESIONS = [
    ((2, 2, 2), (5, 5, 6)),
    ((14, 2, 2), (4, 4, 4)),
    ((29, 3, 2), (6, 5, 7)),
    ((52, 2, 4), (7, 6, 6)),
    ((80, 3, 2), (8, 7, 8)),
    ((2, 30, 3), (5, 8, 5)),
    ((18, 26, 2), (6, 6, 6)),
    ((38, 32, 5), (7, 7, 8)),
    ((58, 28, 2), (8, 8, 9)),
    ((76, 30, 2), (10, 10, 10)),
]
MISSED = range(len(LESIONS) + 1)


def _map(lesions: Sequence[int], off: int = 0) -> np.ndarray:
    labels = np.zeros(SHAPE, np.uint8)
    for number in lesions:
        corner, edges = LESIONS[number]
        i, j, k = (slice(start, start + edge) for start, edge in zip(corner, edges, strict=True))
        labels[i, j, k.start + off : k.stop + off] = 1
    return labels


REFERENCE = _map(range(10))


@cache
def _scores(missed: int, policy: str) -> LabelScore:
    """The study with all but the first so many lesions found."""
    prediction = _map(range(missed, 10), OFF)
    return score_maps(prediction, REFERENCE, ONE_MM, {"lesion": (1,)}, POLICIES[policy])["lesion"]


def _steps(metric: str, policy: str) -> list[float]:
    return [_scores(missed, policy).values[metric] for missed in MISSED]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("metric", ["dice", "iou", "recall", "nsd", "lesion_dice", "lesion_hd95_mm", "lesion_f1"])
def test_each_lesion_missed_makes_the_study_worse(metric: str, policy: str) -> None:
    worse = -1 if METRICS[metric].better == "higher" else 1
    assert all(worse * (after - before) > 0 for before, after in pairwise(_steps(metric, policy)))


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("metric", ["hd_mm", "hd95_mm", "assd_mm"])
def test_no_lesion_missed_makes_a_distance_better_and_all_missed_is_the_penalty(metric: str, policy: str) -> None:
    steps = _steps(metric, policy)
    assert all(after >= before for before, after in pairwise(steps))
    assert steps[0] <= OFF
    assert steps[8] > 5 * steps[0]  # eight of ten missed is seen
    assert steps[10] == pytest.approx(hypot(*SHAPE) if policy == "default" else 373.13)


def test_the_lesion_scores_are_those_of_k_missed_and_the_others_2_mm_off() -> None:
    for missed in MISSED:
        values = _scores(missed, "default").values
        assert (values["lesions_matched"], values["lesions_missed"]) == (10 - missed, missed)
        expected = ((10 - missed) * OFF + missed * hypot(*SHAPE)) / 10
        assert values["lesion_hd95_mm"] == pytest.approx(expected)
        assert values["lesion_f1"] == pytest.approx(2 * (10 - missed) / (20 - missed))


def _monai_with_a_class_a_lesion(missed: int) -> float:
    import torch
    from monai.metrics import HausdorffDistanceMetric

    found, lesions = (torch.from_numpy(np.stack([_map([n], off) for n in range(10)]))[None] for off in (OFF, 0))
    found[:, :missed] = 0
    metric = HausdorffDistanceMetric(include_background=True, percentile=95, reduction="mean")
    metric(found, lesions)
    return float(metric.aggregate())


def test_monai_with_a_class_a_lesion_stays_at_2_mm_and_is_perfect_where_nothing_is_left() -> None:
    """A missed lesion gives nan there, the mean leaves nan out, and the mean of nothing is 0."""
    assert [_monai_with_a_class_a_lesion(missed) for missed in MISSED] == pytest.approx([2.0] * 10 + [0.0])
    ours = _steps("lesion_hd95_mm", "default")
    assert ours[0] == pytest.approx(2.0)
    assert ours[10] > ours[8] > 80.0


def test_the_table_of_the_reference_page_is_this_experiment() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "reference" / "metrics.md"
    section = page.read_text(encoding="utf-8").split("\n### Missing k of 10 lesions\n")[1].split("\n## ")[0]
    rows = [
        [float(cell) for cell in row.strip("| ").split("|")] for row in re.findall(r"^\| \d.*$", section, re.MULTILINE)
    ]
    columns = ("dice", "hd95_mm", "lesion_dice", "lesion_hd95_mm", "lesion_f1")
    assert [row[0] for row in rows] == [0, 2, 4, 6, 8, 10]
    for missed, *cells in rows:
        values = _scores(int(missed), "default").values
        ours = [round(values[key], 1 if METRICS[key].unit else 2) for key in columns]
        assert cells == [*ours, _monai_with_a_class_a_lesion(int(missed))]


@cache
def _cohort(missed: int, policy: str) -> dict[str, Summarised]:
    """Ten studies with one lesion each; in the first so many the prediction is empty."""
    studies = []
    for number in range(10):
        prediction = _map([] if number < missed else [number], OFF)
        scores = score_maps(prediction, _map([number]), ONE_MM, {"lesion": (1,)}, POLICIES[policy])
        studies.append(StudyScores(f"S{number}", f"P{number}", scores))
    return dict(Evaluation(POLICIES[policy], ("lesion",), tuple(studies)).summaries["lesion"])


@pytest.mark.parametrize("policy", POLICIES)
def test_a_cohort_worsens_with_each_study_that_has_nothing_predicted(policy: str) -> None:
    for metric in ("dice", "iou", "precision", "recall", "nsd", "lesion_dice", "lesion_f1"):
        steps = [_cohort(missed, policy)[metric].whole for missed in MISSED]
        assert all(after.mean < before.mean for before, after in pairwise(steps)), metric
        assert {step.n for step in steps} == {10}
        assert steps[10].mean == 0.0
    for metric in ("hd_mm", "hd95_mm", "assd_mm", "lesion_hd95_mm"):
        steps = [_cohort(missed, policy)[metric].whole for missed in MISSED]
        assert all(after.mean > before.mean for before, after in pairwise(steps)), metric


@pytest.mark.parametrize("policy", POLICIES)
def test_the_mean_where_both_exist_sees_nothing_of_it(policy: str) -> None:
    penalty_mm = POLICIES[policy].penalty_mm(SHAPE, (1.0, 1.0, 1.0))
    for missed in MISSED:
        hd95 = _cohort(missed, policy)["hd95_mm"]
        alone = hd95.both_exist
        assert alone is not None
        assert (alone.n, alone.not_scored) == (10 - missed, missed)
        assert alone.mean == pytest.approx(OFF if missed < 10 else nan, nan_ok=True)
        assert hd95.whole.mean == pytest.approx(((10 - missed) * OFF + missed * penalty_mm) / 10)
        assert hd95.whole.median == pytest.approx(np.median([OFF] * (10 - missed) + [penalty_mm] * missed))
        assert isnan(alone.mean) == (missed == 10)
