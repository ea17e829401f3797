"""A training whose first epochs take smaller patches."""

import copy
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from states import equal, learned

from medseg.engine.batches import Batch, Patches
from medseg.engine.training import FINISHED, INTERRUPTED, Opening, Training


def smaller(tiny: SimpleNamespace, studies: int = 3) -> Patches:
    """Patches of an opening: half the sides, all six of an epoch in one step."""
    sampling = replace(tiny.recipe.sampling, patch=(4, 4, 4), batch=6)
    return Patches([tiny.study(n) for n in range(studies)], sampling, tiny.recipe.augmentation, seed=0)


def shapes(training: Training) -> list[tuple[int, ...]]:
    """Of the batches that the training learns from; filled as it runs."""
    seen: list[tuple[int, ...]] = []
    train_on = training.learner.train_on

    def watched(batch: Batch, **options: Any) -> float:
        seen.append(tuple(batch.image.shape))
        return train_on(batch, **options)

    training.learner.train_on = watched
    return seen


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_opens_with_smaller_patches_and_changes_between_epochs(tiny: SimpleNamespace, workers: int) -> None:
    # 12 steps as the pace counts them; each opening epoch is one step, so the share of 0.2 ends within the third.
    training = tiny.training(opening=Opening(smaller(tiny), until=0.2), workers=workers)
    seen = shapes(training)
    assert training.run() == FINISHED
    assert seen == [(6, 1, 4, 4, 4)] * 3 + [(2, 1, 8, 8, 8)] * 9


@pytest.mark.parametrize("stop_after", [2, 4])
def test_a_run_with_an_opening_goes_on_bit_for_bit(tiny: SimpleNamespace, stop_after: int) -> None:
    sampling = replace(tiny.recipe.sampling, patch=(4, 4, 4), batch=2)
    patches = Patches([tiny.study(n) for n in range(3)], sampling, tiny.recipe.augmentation, seed=0)
    opening = Opening(patches, until=0.25)  # of 12 steps: 3, the first epoch; stopped within it and behind it
    whole = tiny.training(opening=opening)
    whole.run()
    watcher = tiny.Memory(stop_after=stop_after)
    assert tiny.training(opening=opening, watcher=watcher).run() == INTERRUPTED
    state = copy.deepcopy(watcher.saved[-1][0])
    resumed = tiny.training(opening=opening, state=state)
    seen = shapes(resumed)
    assert resumed.run() == FINISHED
    assert [shape[2] for shape in seen] == ([4] * 1 if stop_after == 2 else []) + [8] * (9 if stop_after == 2 else 8)
    assert equal(learned(whole), learned(resumed))
