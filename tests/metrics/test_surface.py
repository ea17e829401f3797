"""Distances between surfaces: by hand, and against all pairs of points."""

import math

import numpy as np
import pytest
import slow_truth

from medseg.metrics.element_sizes import element_sizes
from medseg.metrics.hausdorff_variants import HD_VARIANTS
from medseg.metrics.mask_pair import compare_masks
from medseg.metrics.surface import SurfaceDistances

KINDS = ["voxel", "area"]
UNEQUAL = (0.5, 2.0, 7.5)


def _cube(*starts: int, shape: tuple[int, ...] = (12, 12, 12), edge: int = 3) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[tuple(slice(n, n + edge) for n in starts)] = True
    return mask


def _surfaces(
    prediction: np.ndarray, reference: np.ndarray, spacing_mm: tuple[float, ...], elements: str = "voxel"
) -> SurfaceDistances:
    return compare_masks(prediction, reference, spacing_mm, elements=(elements,)).surfaces[elements]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_two_cubes_one_voxel_apart_are_one_spacing_away(kind: str, axis: int) -> None:
    first, second = _cube(3, 3, 3), np.roll(_cube(3, 3, 3), 1, axis)
    found = _surfaces(first, second, UNEQUAL, elements=kind)
    assert found.hausdorff_mm() == UNEQUAL[axis]
    assert found.nsd(UNEQUAL[axis]) == 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_one_voxel_two_slices_off_is_two_slices_away(kind: str) -> None:
    first, second = np.zeros((2, 5, 5, 5), bool)
    first[0, 4, 1] = second[0, 4, 3] = True  # on the border
    found = _surfaces(first, second, (0.5, 0.5, 7.5), elements=kind)
    if kind == "voxel":
        assert (found.hausdorff_mm(), found.hausdorff_mm(95.0), found.assd_mm()) == (15.0, 15.0, 15.0)
        assert (found.nsd(14.9), found.nsd(15.0)) == (0.0, 1.0)
    else:  # of the eight corners of each the four nearer ones are one slice from the other voxel's
        assert (found.hausdorff_mm(), found.assd_mm()) == (15.0, 11.25)
        assert (found.nsd(7.4), found.nsd(7.5), found.nsd(15.0)) == (0.0, 0.5, 1.0)


def test_a_thick_slice_weighs_by_its_area_only_where_area_counts() -> None:
    # A plate, and one with a voxel more on one edge: 1 voxel of 26 and 25 is away, by 1 mm.
    first, second = np.zeros((2, 9, 9, 1), bool)
    first[2:7, 2:7] = second[2:7, 2:7] = True
    first[7, 4] = True
    found = _surfaces(first, second, (1.0, 1.0, 10.0))
    assert found.assd_mm() == 1.0 / 51.0
    assert found.nsd(0.5) == 50.0 / 51.0


def test_percentiles_of_voxels_are_interpolated_and_the_larger_side_counts() -> None:
    first, second = np.zeros((2, 1, 41), bool)
    first[0, :11] = True  # distances to the second 10, 9 … 1, 0
    second[0, 10] = True  # distance to the first 0
    found = _surfaces(first, second, (1.0, 1.0))
    assert found.hausdorff_mm(95.0) == pytest.approx(9.5)
    assert _surfaces(second, first, (1.0, 1.0)).hausdorff_mm(95.0) == pytest.approx(9.5)
    assert found.hausdorff_mm(95.0, pooled=True) == pytest.approx(np.percentile([*range(11), 0], 95))
    assert found.hausdorff_mm(0.0) == 0.0


@pytest.mark.parametrize("seed", range(60))
def test_voxel_scores_are_those_of_all_pairs(seed: int) -> None:
    prediction, reference, spacing_mm = slow_truth.random_pair(seed)
    p, r = slow_truth.surface_voxels(prediction), slow_truth.surface_voxels(reference)
    of_p, of_r = slow_truth.distances(p, r, spacing_mm), slow_truth.distances(r, p, spacing_mm)
    found = _surfaces(prediction, reference, spacing_mm)
    both = np.concatenate([of_p, of_r])
    assert found.hausdorff_mm() == pytest.approx(both.max(), rel=1e-12)
    for percentile in (95.0, 50.0, 12.5):
        directed = max(np.percentile(of_p, percentile), np.percentile(of_r, percentile))
        assert found.hausdorff_mm(percentile) == pytest.approx(directed, rel=1e-12, abs=1e-12)
        pooled = np.percentile(both, percentile)
        assert found.hausdorff_mm(percentile, pooled=True) == pytest.approx(pooled, rel=1e-12, abs=1e-12)
    assert found.assd_mm() == pytest.approx(both.mean(), rel=1e-12)
    for tolerance_mm in (0.0, 1.0, 2.0 * spacing_mm[0], 9.0):
        assert found.nsd(tolerance_mm) == pytest.approx((both <= tolerance_mm * (1 + 1e-9)).mean(), rel=1e-12)


@pytest.mark.parametrize("seed", range(60))
def test_area_scores_are_those_of_all_pairs(seed: int) -> None:
    prediction, reference, spacing_mm = slow_truth.random_pair(seed)
    p, r = slow_truth.surface_corners(prediction), slow_truth.surface_corners(reference)
    of_p, of_r = slow_truth.distances(p, r, spacing_mm), slow_truth.distances(r, p, spacing_mm)
    sizes = element_sizes(spacing_mm)
    size_p, size_r = (
        sizes[slow_truth.corner_codes(mask, points)] for mask, points in ((prediction, p), (reference, r))
    )
    found = _surfaces(prediction, reference, spacing_mm, elements="area")
    assert found.hausdorff_mm() == pytest.approx(max(of_p.max(), of_r.max()), rel=1e-12)
    for percentile in (95.0, 50.3):
        directed = [slow_truth.weighted_percentile(*side, percentile) for side in ((of_p, size_p), (of_r, size_r))]
        assert found.hausdorff_mm(percentile) == pytest.approx(max(directed), rel=1e-12)
    both, size = np.concatenate([of_p, of_r]), np.concatenate([size_p, size_r])
    assert found.assd_mm() == pytest.approx((both * size).sum() / size.sum(), rel=1e-12)
    for tolerance_mm in (0.0, 1.0, 2.0 * spacing_mm[0], 9.0):
        within = size[both <= tolerance_mm * (1 + 1e-9)].sum() / size.sum()
        assert found.nsd(tolerance_mm) == pytest.approx(within, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("kind", KINDS)
def test_equal_masks_are_not_apart(kind: str) -> None:
    found = _surfaces(_cube(0, 0, 9), _cube(0, 0, 9), UNEQUAL, elements=kind)
    assert (found.hausdorff_mm(), found.hausdorff_mm(95.0), found.assd_mm(), found.nsd(0.0)) == (0.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize("variant", HD_VARIANTS)
@pytest.mark.parametrize("swap", [False, True])
def test_one_empty_mask_is_endlessly_far_and_nothing_of_it_right(variant: str, swap: bool) -> None:
    pair = [_cube(2, 2, 2), np.zeros((12, 12, 12), bool)]
    found = compare_masks(*(pair[::-1] if swap else pair), UNEQUAL)
    for percentile in (100.0, 95.0, 50.0):
        assert found.hausdorff_mm(percentile, variant=variant) == math.inf
    kind = HD_VARIANTS[variant].elements
    assert found.assd_mm(elements=kind) == math.inf
    assert found.nsd(1000.0, elements=kind) == 0.0
    assert found.overlap.dice == 0.0


@pytest.mark.parametrize("variant", HD_VARIANTS)
def test_two_empty_masks_have_no_score(variant: str) -> None:
    empty = np.zeros((3, 4, 5), bool)
    found = compare_masks(empty, empty, UNEQUAL)
    kind = HD_VARIANTS[variant].elements
    scores = [found.hausdorff_mm(95.0, variant=variant), found.assd_mm(elements=kind), found.nsd(1.0, elements=kind)]
    assert all(math.isnan(score) for score in [*scores, found.overlap.dice])


@pytest.mark.parametrize("spacing", [0.1, 0.8, float(np.float32(0.8)), 0.3, 0.7])
@pytest.mark.parametrize("voxels", [1, 2, 3, 7, 12])
def test_a_tolerance_of_n_voxels_holds_n_voxels(spacing: float, voxels: int) -> None:
    first, second = np.zeros((2, 20, 3), bool)
    first[1, 1] = second[1 + voxels, 1] = True
    found = _surfaces(first, second, (spacing, 1.0))
    assert found.nsd(round(voxels * spacing, 6)) == 1.0  # as a person would write it: 0.3, not 0.30000000000000004
    assert found.nsd(voxels * spacing * 0.999) == 0.0


def test_a_percentile_or_tolerance_that_is_none_is_refused() -> None:
    found = _surfaces(_cube(1, 1, 1), _cube(2, 2, 2), UNEQUAL)
    with pytest.raises(ValueError, match=r"percentile is 101\.0"):
        found.hausdorff_mm(101.0)
    with pytest.raises(ValueError, match=r"tolerance is -1\.0 mm"):
        found.nsd(-1.0)
    with pytest.raises(ValueError, match="tolerance is nan mm"):
        found.nsd(math.nan)


@pytest.mark.parametrize("seed", range(12))
def test_with_a_limit_surface_dice_is_the_same_and_no_distance_is_given(seed: int) -> None:
    prediction, reference, spacing_mm = slow_truth.random_pair(seed)
    whole = compare_masks(prediction, reference, spacing_mm)
    for limit_mm in (0.0, 1.0, 2.0 * spacing_mm[0], 60.0):
        found = compare_masks(prediction, reference, spacing_mm, limits_mm={"area": limit_mm})
        assert found.nsd(limit_mm) == pytest.approx(whole.nsd(limit_mm), rel=1e-12)
        assert found.nsd(limit_mm / 2.0) == pytest.approx(whole.nsd(limit_mm / 2.0), rel=1e-12)
        assert found.hausdorff_mm() == whole.hausdorff_mm()
        with pytest.raises(ValueError, match=f"up to {limit_mm} mm only"):
            found.hausdorff_mm(variant="area")
        with pytest.raises(ValueError, match=f"up to {limit_mm} mm only"):
            found.assd_mm(elements="area")
        with pytest.raises(ValueError, match=f"up to {limit_mm} mm only"):
            found.nsd(limit_mm + 1.0)
