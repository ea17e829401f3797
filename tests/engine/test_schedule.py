import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medseg.core.recipe import ScheduleRecipe
from medseg.engine.schedule import lr_share

NAMES = ("cosine", "poly", "constant")
recipes = st.builds(ScheduleRecipe, st.sampled_from(NAMES), st.floats(0, 0.5), st.floats(0, 1))


@given(st.sampled_from(NAMES[:2]), st.floats(0, 0.5), st.floats(0, 1))
def test_a_falling_schedule_ends_at_its_final_share(name: str, warmup: float, final: float) -> None:
    assert lr_share(1.0, ScheduleRecipe(name, warmup, final)) == pytest.approx(final)


@given(recipes)
def test_the_share_never_jumps(recipe: ScheduleRecipe) -> None:
    progress = np.linspace(0.0, 1.0, 4001)
    shares = np.array([lr_share(p, recipe) for p in progress])
    steps = np.abs(np.diff(shares))
    steepest = max(1 / recipe.warmup if recipe.warmup else 0.0, 4.0) / 4000
    assert steps[:-40].max() <= min(1.01 * steepest + 1e-9, 1.0) or recipe.warmup < 1e-3
    assert steps[-40:].max() < 0.01  # poly falls steeply at its very end


@given(recipes, st.floats(-1, 2))
def test_the_share_lies_between_nothing_and_all(recipe: ScheduleRecipe, progress: float) -> None:
    assert 0.0 <= lr_share(progress, recipe) <= 1.0


@given(recipes)
def test_after_the_warm_up_it_never_rises(recipe: ScheduleRecipe) -> None:
    shares = [lr_share(p, recipe) for p in np.linspace(recipe.warmup, 1.0, 100)]
    assert all(later <= earlier + 1e-12 for earlier, later in itertools.pairwise(shares))


def test_the_warm_up_rises_linearly_to_all() -> None:
    recipe = ScheduleRecipe("cosine", 0.2, 0.0)
    assert [lr_share(p, recipe) for p in (0.0, 0.05, 0.1, 0.2)] == pytest.approx([0.0, 0.25, 0.5, 1.0])


def test_cosine_is_half_way_down_in_the_middle() -> None:
    assert lr_share(0.5, ScheduleRecipe("cosine", 0.0, 0.0)) == pytest.approx(0.5)


def test_poly_follows_nnu_nets_formula() -> None:
    assert lr_share(0.3, ScheduleRecipe("poly", 0.0, 0.0)) == pytest.approx(0.7**0.9)


def test_constant_stays() -> None:
    assert {lr_share(p, ScheduleRecipe("constant", 0.0, 0.0)) for p in (0.0, 0.4, 1.0)} == {1.0}


def test_it_agrees_with_torchs_cosine() -> None:
    import torch

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    reference = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50, eta_min=0.1 * 0.01)
    for step in range(51):
        expected = reference.get_last_lr()[0]
        assert 0.1 * lr_share(step / 50, ScheduleRecipe("cosine", 0.0, 0.01)) == pytest.approx(expected)
        optimizer.step()
        reference.step()
