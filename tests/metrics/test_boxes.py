"""Boxes against looking at every voxel."""

import numpy as np
import pytest

from medseg.metrics.boxes import box_of, boxes_of_values, join


def _slow(mask: np.ndarray) -> tuple[slice, ...] | None:
    index = np.argwhere(mask)
    return (
        tuple(slice(int(a), int(b) + 1) for a, b in zip(index.min(0), index.max(0), strict=True))
        if len(index)
        else None
    )


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_box_of_a_mask_holds_all_of_it_and_no_more(seed: int, order: str) -> None:
    rng = np.random.default_rng(seed)
    mask = np.zeros(rng.integers(1, 9, 2 + seed % 2), bool, order=order)
    mask.flat[rng.integers(mask.size, size=3)] = True
    assert box_of(mask) == box_of(mask.astype(np.uint8) * 3) == _slow(mask)


def test_nothing_has_no_box() -> None:
    assert box_of(np.zeros((3, 4, 5), bool)) is None
    assert box_of(np.zeros((0, 4), bool)) is None
    assert join([None, None]) is None


def test_two_boxes_are_joined() -> None:
    assert join([np.s_[1:3, 4:5], None, np.s_[2:9, 0:1]]) == np.s_[1:9, 0:5]


@pytest.mark.parametrize("seed", range(8))
def test_boxes_of_all_values_are_found_in_one_reading(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medseg.metrics.boxes._RUN_VOXELS", 40)  # several slabs
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 12, 2 + seed % 2))
    maps = [(rng.integers(0, 256, shape) * (rng.random(shape) < 0.1)).astype(np.uint8) for _ in range(2)]
    for labels in maps:
        labels[tuple(slice(n // 3, n // 2 + 1) for n in shape)] = 7
    sets = [(7,), (200, 201, 202), tuple(range(1, 256)), (9,)]
    expected = [_slow(np.isin(maps[0], values) | np.isin(maps[1], values)) for values in sets]
    assert boxes_of_values(maps, sets) == expected
