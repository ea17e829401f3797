"""Expert labels, shifted, worn, grown and with a lesion lost: the scores are MONAI's and surface-distance's.

Every study is compared, under the changes of the table in turn; the slow tests take every study under every change.
Each test prints the largest difference it saw (pytest -rP).
"""

import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from medseg.core.geometry import spacing_of
from medseg.io.nifti import read_label
from medseg.metrics.policy import MetricPolicy, choose_policy
from medseg.metrics.scores import LabelScore, score_maps

pytestmark = pytest.mark.realdata

LIMIT = 1e-5  # of 1, and of a distance above 1 mm: MONAI interpolates percentiles in float32
REGIONS = {
    "hippocampus": {"anterior": (1,), "posterior": (2,), "whole": (1, 2)},
    "tumour": {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)},
}
STUDIES = {"hippocampus": 208, "tumour": 8}


def _shifted(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.roll(labels, rng.integers(-3, 4, labels.ndim), axis=tuple(range(labels.ndim)))


def _worn(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return labels * ndimage.binary_erosion(labels > 0, iterations=int(rng.integers(1, 3))).astype(np.uint8)


def _grown(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    for _ in range(rng.integers(1, 3)):
        labels = np.where(labels > 0, labels, ndimage.grey_dilation(labels, footprint=np.ones((3, 3, 3))))
    return labels


def _with_a_lesion_lost(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One connected part gone, not the largest; of a single one the half before a plane through its middle."""
    parts, count = ndimage.label(labels > 0)
    if count > 1:
        lost = rng.choice(np.argsort(np.bincount(parts.ravel())[1:])[:-1] + 1)
        return labels * (parts != lost).astype(np.uint8)
    kept = np.zeros_like(labels)
    axis = int(rng.integers(labels.ndim))
    half = (slice(None),) * axis + (slice(int(np.median(np.nonzero(labels)[axis]))),)
    kept[half] = labels[half]
    return kept


# What is changed, and the tolerance of the surface Dice in mm; between distances of the grid, or on one of them: 1 mm.
CHANGES: tuple[tuple[Callable[..., np.ndarray], float], ...] = (
    (_shifted, 2.7),
    (_worn, 1.0),
    (_grown, 0.5),
    (_with_a_lesion_lost, 1.0),
)
Job = tuple[Path, int]  # label map and place in CHANGES


@dataclass
class Seen:
    """Pairs of masks that were compared, those with an empty one, and the largest difference of each metric."""

    compared: int = 0
    empty: int = 0
    largest: dict[str, float] = field(default_factory=dict)

    def add(self, ours: Mapping[str, float], theirs: Mapping[str, float], where: object) -> None:
        self.compared += 1
        for metric, value in theirs.items():
            difference = abs(ours[metric] - value)
            self.largest[metric] = max(self.largest.get(metric, 0.0), difference)
            assert difference <= LIMIT * max(1.0, value), (where, metric, ours[metric], value)


def _monai(masks: list[np.ndarray], spacing_mm: tuple[float, ...], tolerance_mm: float) -> dict[str, float]:
    import torch
    from monai import metrics

    p, r = (torch.from_numpy(mask)[None, None] for mask in masks)
    every, given = {"include_background": True}, {"include_background": True, "spacing": spacing_mm}
    table = metrics.get_confusion_matrix(p.int(), r.int(), **every)
    scores = {
        "dice": metrics.compute_dice(p, r, **every),
        "iou": metrics.compute_iou(p, r, **every),
        "precision": metrics.compute_confusion_matrix_metric("precision", table),
        "recall": metrics.compute_confusion_matrix_metric("recall", table),
        "hd_mm": metrics.compute_hausdorff_distance(p, r, **given),
        "hd95_mm": metrics.compute_hausdorff_distance(p, r, percentile=95, **given),
        "assd_mm": metrics.compute_average_surface_distance(p, r, symmetric=True, **given),
        "nsd area": metrics.compute_surface_dice(p, r, [tolerance_mm], use_subvoxels=True, **given),
        "nsd voxel": metrics.compute_surface_dice(p, r, [tolerance_mm], **given),
    }
    return {metric: float(score) for metric, score in scores.items()}


def _surface_distance(masks: list[np.ndarray], spacing_mm: tuple[float, ...], tolerance_mm: float) -> dict[str, float]:
    import surface_distance as peer

    both = peer.compute_surface_distances(masks[1], masks[0], spacing_mm)
    return {
        "hd_mm": peer.compute_robust_hausdorff(both, 100.0),
        "hd95_mm": peer.compute_robust_hausdorff(both, 95.0),
        "nsd area": peer.compute_surface_dice_at_tolerance(both, tolerance_mm),
    }


def _check(
    jobs: Iterable[Job],
    regions: Mapping[str, tuple[int, ...]],
    peer: Callable[..., dict[str, float]],
    policy: MetricPolicy,
) -> Seen:
    """Compare score for score; of empty masks, of which peers say nan or inf, hold what the policy says."""
    seen = Seen()
    for path, number in jobs:
        change, tolerance_mm = CHANGES[number]
        reference, affine = read_label(path)
        prediction = change(reference, np.random.default_rng([number, sum(map(ord, path.name))]))
        rules = replace(policy, default_tolerance_mm=tolerance_mm)
        scores = score_maps(prediction, reference, affine, regions, rules)
        by_voxel = score_maps(prediction, reference, affine, regions, replace(rules, nsd_weighting="voxel"))
        for name, score in scores.items():
            masks = [np.isin(labels, regions[name]) for labels in (prediction, reference)]
            if all(mask.any() for mask in masks):
                both = {"nsd area": score.values["nsd"], "nsd voxel": by_voxel[name].values["nsd"]}
                theirs = peer(masks, spacing_of(affine), tolerance_mm)
                seen.add({**score.values, **both}, theirs, (path.name, change.__name__, name))
            else:
                _check_empty(score, masks, math.hypot(*np.multiply(reference.shape, spacing_of(affine))))
                seen.empty += 1
    print(
        f"{seen.compared} pairs, {seen.empty} with an empty mask;", *(f"{m} {d:.1e}" for m, d in seen.largest.items())
    )
    return seen


def _check_empty(score: LabelScore, masks: list[np.ndarray], diagonal_mm: float) -> None:
    neither = not any(mask.any() for mask in masks)
    expected = (math.nan, math.nan) if neither else (0.0, diagonal_mm)
    assert (score.values["dice"], score.values["hd95_mm"]) == pytest.approx(expected, nan_ok=True)


def _labels(real_data: Path, dataset: str) -> list[Path]:
    places = {
        "hippocampus": ("Task04_Hippocampus/labelsTr", "hippocampus_*.nii.gz"),
        "tumour": ("BraTS2021", "*/*_seg.nii.gz"),
    }
    folder, pattern = places[dataset]
    return sorted((real_data / folder).glob(pattern))


def _in_turn(paths: list[Path]) -> list[Job]:
    return list(zip(paths, itertools.cycle(range(len(CHANGES)))))


@pytest.mark.parametrize("dataset", REGIONS)
def test_every_study_scores_as_in_monai(real_data: Path, dataset: str) -> None:
    jobs = _in_turn(_labels(real_data, dataset))
    assert len(jobs) == STUDIES[dataset]
    seen = _check(jobs, REGIONS[dataset], _monai, choose_policy())
    assert seen.compared + seen.empty == 3 * len(jobs)
    assert seen.compared > 2.5 * len(jobs)


@pytest.mark.parametrize("dataset", REGIONS)
def test_every_study_scores_by_area_as_in_surface_distance(real_data: Path, dataset: str) -> None:
    pytest.importorskip("surface_distance")
    jobs = _in_turn(_labels(real_data, dataset))
    seen = _check(jobs, REGIONS[dataset], _surface_distance, choose_policy(hd_variant="area"))
    assert seen.compared > 2.5 * len(jobs)


@pytest.mark.slow
@pytest.mark.parametrize("dataset", REGIONS)
def test_every_study_under_every_change_scores_as_in_monai(real_data: Path, dataset: str) -> None:
    jobs = list(itertools.product(_labels(real_data, dataset), range(len(CHANGES))))
    seen = _check(jobs, REGIONS[dataset], _monai, choose_policy())
    assert seen.compared > 2.5 * len(jobs)
