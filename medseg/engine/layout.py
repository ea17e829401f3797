"""Which memory layout a network trains faster in: measured, since it depends on its layers and on the processor."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import nn

from medseg.core.recipe import Recipe
from medseg.engine.batches import Batch
from medseg.engine.checkpoint import random_state, restore_random_state
from medseg.engine.device import Precision
from medseg.engine.distributed import World
from medseg.engine.learner import Learner

TIMED_STEPS = 3  # after one that allocates and picks kernels; the fastest counts, as other work only ever adds time
LONG_STEP_S = 3.0  # a step that takes longer says enough by itself; more would eat a short budget
MARGIN = 0.97  # channels-last must be faster by this much: a coin toss should give the plain layout


def is_faster_channels_last(
    network: nn.Module,
    recipe: Recipe,
    *,
    channels: int,
    device: torch.device,
    precision: Precision,
    clock: Callable[[], float] = time.perf_counter,
) -> bool:
    """Whether training steps on a copy of the network are faster in the channels-last layout.

    Args:
        network: Left as it is, as is the random state.
        recipe: Patch, batch, loss and optimiser are used.
        channels: Of the image.
        device: Where it trains.
        precision: Of its forward pass.
        clock: Source of seconds.
    """
    random = random_state(device)
    batch = _noise(recipe, channels)
    recipe = replace(recipe, engine=replace(recipe.engine, ema=0.0))  # two copies of the weights less in memory
    learners = [
        Learner(
            copy.deepcopy(network), recipe, device=device, precision=precision, channels_last=is_last, world=World()
        )
        for is_last in (False, True)
    ]
    plain, last = _fastest_steps_s(learners, batch, clock)
    restore_random_state(random, device)
    return last < MARGIN * plain


def _noise(recipe: Recipe, channels: int) -> Batch:
    """A batch of noise whose labels all occur: a step takes as long on it as on a scan."""
    shape = [n for n in recipe.sampling.patch if n > 1]
    image = torch.randn(recipe.sampling.batch, channels, *shape)
    label = (image[:, :1] > 0).to(torch.uint8)
    return Batch(image, label, ("the layout probe",))


def _fastest_steps_s(learners: Sequence[Learner], batch: Batch, clock: Callable[[], float]) -> list[float]:
    """Seconds of the fastest step of each; they take turns, so that other work on the machine meets all of them."""
    times: list[list[float]] = [[] for _ in learners]
    while len(times[0]) < 2 or (len(times[0]) <= TIMED_STEPS and all(map(_is_short, times))):
        for learner, own in zip(learners, times, strict=True):
            began_s = clock()
            learner.train_on(batch, lr=0.0, weight=1.0, last=True)
            if learner.device.type == "cuda":
                torch.cuda.synchronize(learner.device)
            own.append(clock() - began_s)
    return [min(own[1:]) for own in times]


def _is_short(times: Sequence[float]) -> bool:
    return sum(times) < LONG_STEP_S * len(times)
