"""Label maps are compared as their masks would be, whatever lies in memory in which order."""

import sys
import tracemalloc

import numpy as np
import pytest
import slow_truth
from scipy import ndimage

from medseg.core.errors import DatalistError, GeometryError
from medseg.metrics.mask_pair import compare_labels, compare_masks
from medseg.metrics.overlap import dice

SPACING_MM = (0.8, 1.1, 2.5)
VALUES = {"one": (1,), "three": (3,), "union": (1, 3, 4), "absent": (9,)}


def _maps(seed: int, shape: tuple[int, ...] = (14, 11, 9)) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [(ndimage.gaussian_filter(rng.standard_normal(shape), 1.5) * 25).clip(0, 4).astype(np.uint8) for _ in "ab"]


@pytest.mark.parametrize("orders", ["CC", "FF", "CF"])
def test_labels_and_regions_score_as_their_masks(orders: str) -> None:
    prediction, reference = (np.array(m, order=o) for m, o in zip(_maps(3), orders, strict=True))
    found = compare_labels(prediction, reference, SPACING_MM, VALUES)
    assert list(found) == list(VALUES)
    for name, values in VALUES.items():
        masks = np.isin(prediction, values), np.isin(reference, values)
        alone = compare_masks(*masks, SPACING_MM)
        assert found[name].overlap == alone.overlap
        for kind in ("voxel", "area"):
            assert found[name].assd_mm(elements=kind) == pytest.approx(alone.assd_mm(elements=kind), nan_ok=True)
            assert found[name].nsd(1.0, elements=kind) == pytest.approx(alone.nsd(1.0, elements=kind), nan_ok=True)


def test_counts_are_those_of_the_whole_image() -> None:
    prediction, reference = (labels > 1 for labels in _maps(4))
    counts = compare_masks(prediction, reference, SPACING_MM).overlap
    assert counts.dice == dice(prediction, reference)
    assert counts.reference_ml == pytest.approx(np.count_nonzero(reference) * 0.8 * 1.1 * 2.5 / 1000.0)


def test_only_the_distances_asked_for_are_measured() -> None:
    prediction, reference = (labels > 1 for labels in _maps(5))
    assert list(compare_masks(prediction, reference, SPACING_MM, elements=("area",)).surfaces) == ["area"]
    assert compare_masks(prediction, reference, SPACING_MM, elements=()).surfaces == {}


def test_two_dimensions_are_measured_as_such() -> None:
    labels = np.array([[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 2]], np.uint8)
    found = compare_labels(labels, np.roll(labels, 1, axis=1), (1.0, 3.0), {"square": (1,)})["square"]
    assert found.hausdorff_mm() == 3.0
    assert np.isnan(found.overlap.reference_ml)


@pytest.mark.parametrize(
    ("shapes", "spacing_mm", "message"),
    [
        (((2, 3, 4), (2, 3, 1)), SPACING_MM, r"shape \(2, 3, 4\), the reference \(2, 3, 1\)"),
        (((2, 3, 4), (2, 3, 4)), (1.0, 1.0), r"spacing is \(1\.0, 1\.0\).*need 3 voxel edges"),
        (((2, 3, 4), (2, 3, 4)), (1.0, 0.0, 1.0), "above 0 mm"),
        (((2, 3, 4), (2, 3, 4)), (1.0, float("nan"), 1.0), "above 0 mm"),
        (((4,), (4,)), (1.0,), r"2 or 3 dimensions; the masks have the shape \(4,\)"),
        (((1, 2, 3, 4), (1, 2, 3, 4)), SPACING_MM, "2 or 3 dimensions"),
    ],
)
def test_grids_that_cannot_be_compared_are_refused(shapes: tuple, spacing_mm: tuple, message: str) -> None:
    with pytest.raises(GeometryError, match=message):
        compare_masks(*(np.ones(shape, bool) for shape in shapes), spacing_mm)


def test_all_faulty_labels_are_told_at_once() -> None:
    labels = np.zeros((2, 2, 2), np.uint8)
    with pytest.raises(DatalistError, match=r"(?s)2 faults.*'all' has the values \(0, 1\).*'none' has the values \(\)"):
        compare_labels(labels, labels, SPACING_MM, {"all": (0, 1), "fine": (2,), "none": ()})


def test_a_map_of_wider_numbers_is_refused() -> None:
    labels = np.zeros((2, 2, 2), np.int16)
    with pytest.raises(DatalistError, match="int16"):
        compare_labels(labels, labels, SPACING_MM, {"a": (1,)})


@pytest.mark.skipif(sys.gettrace() is not None, reason="a tracer counts its own memory")
def test_memory_does_not_grow_with_the_number_of_labels() -> None:
    labels = np.repeat(np.arange(1, 21, dtype=np.uint8), 8)[:, None, None] * np.ones((160, 120), np.uint8)
    tracemalloc.start()
    try:
        compare_labels(labels, labels[:, ::-1], SPACING_MM, {str(value): (value,) for value in range(1, 21)})
        assert tracemalloc.get_traced_memory()[1] < 6 * labels.size  # bytes of one mask
    finally:
        tracemalloc.stop()


def test_random_pairs_cover_empty_border_and_single_voxels() -> None:
    """Else the comparisons with all pairs would say less than they seem to."""
    pairs = [slow_truth.random_pair(seed)[:2] for seed in range(60)]
    assert any(mask.sum() == 1 for pair in pairs for mask in pair)
    assert {mask.ndim for pair in pairs for mask in pair} == {2, 3}
    assert sum(mask[0].any() and mask[-1].any() for pair in pairs for mask in pair) > 30
