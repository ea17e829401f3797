"""On expert labels, shifted, worn, grown and with a lesion lost, the numbers are MONAI's and surface-distance's."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from medseg.core.geometry import spacing_of
from medseg.io.nifti import read_label
from medseg.metrics.compare import Comparison, compare_labels

pytestmark = pytest.mark.realdata

HIPPOCAMPUS = {"anterior": (1,), "posterior": (2,), "whole": (1, 2)}
TUMOUR = {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)}
TOLERANCES_MM = (0.5, 1.0, 2.7)


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


CHANGES = (_shifted, _worn, _grown, _with_a_lesion_lost)


def _monai(prediction: np.ndarray, reference: np.ndarray, spacing_mm: tuple[float, ...]) -> list[float]:
    import torch
    from monai.metrics import (
        compute_average_surface_distance,
        compute_dice,
        compute_hausdorff_distance,
        compute_surface_dice,
    )

    p, r = (torch.from_numpy(mask)[None, None] for mask in (prediction, reference))
    given = {"include_background": True, "spacing": spacing_mm}
    scores = [
        compute_dice(p, r, include_background=True),
        compute_hausdorff_distance(p, r, **given),
        compute_hausdorff_distance(p, r, percentile=95, **given),
        compute_average_surface_distance(p, r, symmetric=True, **given),
        *(
            compute_surface_dice(p, r, [mm], use_subvoxels=area, **given)
            for mm in TOLERANCES_MM
            for area in (True, False)
        ),
    ]
    return [float(score) for score in scores]


def _ours(found: Comparison) -> list[float]:
    shares = [found.nsd(mm, elements=kind) for mm in TOLERANCES_MM for kind in ("area", "voxel")]
    return [found.overlap.dice, found.hausdorff_mm(), found.hausdorff_mm(95.0), found.assd_mm(), *shares]


def _check(path: Path, values: dict[str, tuple[int, ...]], changes: tuple[Callable[..., np.ndarray], ...]) -> int:
    """Compare one study under each change; how many pairs of masks were compared."""
    reference, affine = read_label(path)
    spacing_mm = spacing_of(affine)
    compared = 0
    for number, change in enumerate(changes):
        prediction = change(reference, np.random.default_rng([number, sum(map(ord, path.name))]))
        for name, found in compare_labels(prediction, reference, spacing_mm, values).items():
            masks = np.isin(prediction, values[name]), np.isin(reference, values[name])
            if all(mask.any() for mask in masks):  # what MONAI says of empty masks is not ours to say
                expected = _monai(*masks, spacing_mm)
                assert _ours(found) == pytest.approx(expected, rel=1e-5, abs=1e-5), (path.name, change.__name__, name)
                compared += 1
    return compared


def _labels(real_data: Path, dataset: str) -> list[Path]:
    if dataset == "hippocampus":
        return sorted((real_data / "Task04_Hippocampus" / "labelsTr").glob("hippocampus_*.nii.gz"))
    return sorted((real_data / "BraTS2021").glob("*/*_seg.nii.gz"))


def test_a_few_hippocampi_score_as_in_monai(real_data: Path) -> None:
    assert sum(_check(path, HIPPOCAMPUS, CHANGES) for path in _labels(real_data, "hippocampus")[::50]) >= 50


@pytest.mark.parametrize("change", CHANGES)
def test_a_tumour_scores_as_in_monai(real_data: Path, change: Callable[..., np.ndarray]) -> None:
    assert _check(_labels(real_data, "tumour")[0], TUMOUR, (change,)) == 3


@pytest.mark.slow
def test_every_hippocampus_scores_as_in_monai(real_data: Path) -> None:
    paths = _labels(real_data, "hippocampus")
    assert sum(_check(path, HIPPOCAMPUS, CHANGES) for path in paths) > 10 * len(paths)


@pytest.mark.slow
def test_every_tumour_scores_as_in_monai(real_data: Path) -> None:
    paths = _labels(real_data, "tumour")
    assert sum(_check(path, TUMOUR, CHANGES) for path in paths) > 10 * len(paths)
