"""The same numbers as MONAI, DeepMind's surface-distance and a SimpleITK recipe, where the definitions agree."""

import numpy as np
import pytest
import slow_truth

from medseg.metrics.mask_pair import MaskPair, compare_masks

SEEDS = range(40)


def _pair(seed: int) -> tuple[np.ndarray, np.ndarray, tuple[float, ...], MaskPair]:
    prediction, reference, spacing_mm = slow_truth.random_pair(seed)
    return prediction, reference, spacing_mm, compare_masks(prediction, reference, spacing_mm)


@pytest.mark.parametrize("seed", SEEDS)
def test_voxel_distances_and_surface_dice_are_monais(seed: int) -> None:
    import torch
    from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance, compute_surface_dice

    prediction, reference, spacing_mm, found = _pair(seed)
    p, r = (torch.from_numpy(mask)[None, None] for mask in (prediction, reference))
    given = {"include_background": True, "spacing": spacing_mm}
    within = 1.37 * min(spacing_mm)  # off the grid: MONAI rounds to float32
    theirs = {
        "hd": compute_hausdorff_distance(p, r, **given),
        "hd95": compute_hausdorff_distance(p, r, percentile=95, **given),
        "assd": compute_average_surface_distance(p, r, symmetric=True, **given),
        "nsd voxel": compute_surface_dice(p, r, [within], **given),
        "nsd area": compute_surface_dice(p, r, [within], use_subvoxels=True, **given),
    }
    ours = {
        "hd": found.hausdorff_mm(),
        "hd95": found.hausdorff_mm(95.0),
        "assd": found.assd_mm(),
        "nsd voxel": found.nsd(within, elements="voxel"),
        "nsd area": found.nsd(within),
    }
    assert ours == pytest.approx({name: float(value) for name, value in theirs.items()}, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_area_distances_and_surface_dice_are_deepminds(seed: int) -> None:
    peer = pytest.importorskip("surface_distance")
    prediction, reference, spacing_mm, found = _pair(seed)
    theirs = peer.compute_surface_distances(reference, prediction, spacing_mm)
    assert found.hausdorff_mm(variant="area") == pytest.approx(peer.compute_robust_hausdorff(theirs, 100.0), rel=1e-12)
    assert found.hausdorff_mm(95.0, variant="area") == pytest.approx(
        peer.compute_robust_hausdorff(theirs, 95.0), rel=1e-12
    )
    within = 1.37 * min(spacing_mm)
    assert found.nsd(within) == pytest.approx(peer.compute_surface_dice_at_tolerance(theirs, within), rel=1e-12)
    ours = found.surfaces["area"]
    averages = [side.moment / side.total for side in (ours.of_reference, ours.of_prediction)]
    assert averages == pytest.approx(list(peer.compute_average_surface_distance(theirs)), rel=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_voxel_distances_are_those_of_a_simpleitk_recipe(seed: int) -> None:
    import SimpleITK

    prediction, reference, spacing_mm, found = _pair(seed)
    # The contour filter takes what lies outside the image for foreground; a margin makes it background.
    images = [SimpleITK.GetImageFromArray(np.pad(mask, 1).astype(np.uint8).T) for mask in (prediction, reference)]
    contours, maps = [], []
    for image in images:
        image.SetSpacing(spacing_mm)
        contour = SimpleITK.LabelContour(image, fullyConnected=False)
        contours.append(SimpleITK.GetArrayFromImage(contour).astype(bool))
        distance = SimpleITK.SignedMaurerDistanceMap(contour, squaredDistance=False, useImageSpacing=True)
        maps.append(np.abs(SimpleITK.GetArrayFromImage(distance)))
    directed = [maps[1][contours[0]], maps[0][contours[1]]]
    assert found.hausdorff_mm() == pytest.approx(max(side.max() for side in directed), rel=1e-5)
    assert found.hausdorff_mm(95.0) == pytest.approx(max(np.percentile(side, 95) for side in directed), rel=1e-5)
    assert found.assd_mm() == pytest.approx(np.concatenate(directed).mean(), rel=1e-5)
