from itertools import pairwise

import pytest
import torch
from monai.data.utils import compute_importance_map, dense_patch_slices
from monai.inferers.utils import _get_scan_interval

from medseg.core.window import Window
from medseg.engine.windows import Plan, batch_that_fits, shifted_plan, stock_plan, window_weights

SHAPES = [(20, 31, 12), (8, 8, 8), (7, 40, 9), (1, 33, 17), (64, 5, 8)]
SIZES = [(8, 8, 8), (16, 6, 10), (None, 12, 4), (1, 16, 16), (5, None, 3)]


def stock_corners(shape, window: Window) -> list[tuple[int, ...]]:
    size = [own or side for own, side in zip(window.size, shape, strict=True)]
    whole = [max(one) for one in zip(size, shape, strict=True)]
    steps = _get_scan_interval(whole, size, 3, window.overlap)
    return [tuple(part.start for part in parts) for parts in dense_patch_slices(whole, size, steps)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5, 0.8])
def test_stock_windows_lie_where_monai_lays_them(shape, size, overlap: float) -> None:
    window = Window(size, (overlap,) * 3)
    assert stock_plan(shape, window).corners() == stock_corners(shape, window)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", SIZES)
def test_shifted_windows_cover_everything_and_are_never_more(shape, size) -> None:
    plan = shifted_plan(shape, Window(size, (0.5, 0.5, 0.5)))
    assert len(stock_plan(shape, Window(size, (0.25, 0.25, 0.25)))) == len(plan)
    assert len(plan) <= len(stock_plan(shape, Window(size, (0.5, 0.5, 0.5))))
    assert reached(plan) == plan.shape


@pytest.mark.parametrize("overlap", [0.25, 0.5, 0.8])
def test_neighbours_overlap_by_half_of_what_the_bundle_says_or_more(overlap: float) -> None:
    for side in range(40, 400):
        starts = shifted_plan((side, 40, 40), Window((40, 40, 40), (overlap, 0.0, 0.0))).starts[0]
        assert all(40 - (b - a) >= int(40 * overlap / 2) for a, b in pairwise(starts)), side


def reached(plan: Plan) -> tuple[int, ...]:
    seen = [{n for start in starts for n in range(start, start + side)} for starts, side in zip_axes(plan)]
    return tuple(len(one) for one in seen)


def zip_axes(plan: Plan):
    return zip(plan.starts, plan.size, strict=True)


def test_shifted_windows_are_evenly_spread() -> None:
    starts = shifted_plan((140, 8, 8), Window((96, 8, 8), (0.5, 0.5, 0.5))).starts[0]
    assert starts == (0, 44)
    gaps = shifted_plan((101, 8, 8), Window((20, 8, 8), (0.5, 0.5, 0.5))).starts[0]
    assert {b - a for a, b in pairwise(gaps)} <= {13, 14}
    assert (gaps[0], gaps[-1]) == (0, 81)


@pytest.mark.parametrize(("span", "expected"), [((40, 60), 34), ((0, 10), 0), ((95, 100), 68), ((0, 32), 0)])
def test_a_box_smaller_than_the_window_lies_in_its_middle_where_the_volume_allows(span, expected: int) -> None:
    plan = shifted_plan((100, 100, 100), Window((32, 32, 32)), [span, (0, 100), (0, 100)])
    assert plan.starts[0] == (expected,)
    assert plan.before == (0, 0, 0)


def test_a_box_is_covered_and_windows_stay_inside_the_volume() -> None:
    box = [(7, 61), (30, 90), (0, 100)]
    plan = shifted_plan((100, 100, 100), Window((32, 32, 32), (0.5, 0.5, 0.5)), box)
    for (first, last), (begin, end) in zip(plan.covered, box, strict=True):
        assert 0 <= first <= begin
        assert end <= last <= 100
    assert len(plan) < len(stock_plan((100, 100, 100), Window((32, 32, 32), (0.5, 0.5, 0.5))))


def test_a_small_volume_is_padded_on_both_sides() -> None:
    plan = shifted_plan((5, 40, 40), Window((8, 8, 8)), [(1, 3), (0, 40), (0, 40)])
    assert (plan.shape[0], plan.before[0], plan.starts[0]) == (8, 1, (0,))


@pytest.mark.parametrize(("free", "batch"), [(0, 1), (30, 1), (40, 1), (80, 2), (200, 5), (10**6, 8)])
def test_a_device_sees_as_many_windows_as_a_quarter_of_it_holds(free: int, batch: int) -> None:
    assert batch_that_fits(10.0, free) == batch


@pytest.mark.parametrize("size", [(8, 8, 8), (40, 56, 40), (1, 9, 4), (96, 96, 96)])
@pytest.mark.parametrize("blend", ["gaussian", "constant"])
def test_weights_are_those_of_monai(size, blend: str) -> None:
    ours = window_weights(size, Window(size, blend=blend, sigma=(0.125, 0.2, 0.125)))
    assert torch.equal(ours, compute_importance_map(size, mode=blend, sigma_scale=(0.125, 0.2, 0.125)))
