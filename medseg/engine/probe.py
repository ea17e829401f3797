"""Measure a few steps and one validation before a run with a budget, leaving no trace in the run."""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from medseg.engine.batches import Batch, Patches, serve
from medseg.engine.checkpoint import random_state, restore_random_state
from medseg.engine.learner import Learner

# The first step allocates memory and picks kernels; the median of the next ones is steady enough, and the pace corrects
# it as the run goes. Steps that take long are few: they are time of the run.
MOST_STEPS = 4
ENOUGH_S = 1.0
BATCHES = 2  # different ones, made before the clock starts


@dataclass(frozen=True)
class Speed:
    """What the probe measured.

    Attributes:
        step_s: Seconds of one training step.
        study_s: Seconds to segment one validation study.
    """

    step_s: float
    study_s: float


def measure(learner: Learner, patches: Patches, segment_one: Callable[[], object]) -> Speed:
    """Seconds per step and per study; weights, optimiser and random state are put back.

    Every process must call it, since a step shares gradients.

    Args:
        learner: Before its first step.
        patches: What it will learn from.
        segment_one: Segments one validation study.
    """
    state, random = copy.deepcopy(learner.state()), random_state(learner.device)
    batches = serve(patches, world=learner.world, epoch=0, step=0, workers=0, pin=False)
    ready = [next(batches) for _ in range(BATCHES)]
    times = _times(lambda n: _step(learner, ready[n % len(ready)]))
    study_s = _seconds(segment_one)
    if study_s < ENOUGH_S:  # of a small study the first is mostly warming up
        study_s = min(study_s, _seconds(segment_one))
    learner.restore(state)
    restore_random_state(random, learner.device)
    return Speed(statistics.median(times), study_s)


def _times(step: Callable[[int], object]) -> list[float]:
    """Seconds of steps behind a first one, until they say enough together."""
    step(0)
    times: list[float] = []
    while not times or (len(times) < MOST_STEPS and sum(times) < ENOUGH_S):
        times.append(_seconds(partial(step, len(times) + 1)))
    return times


def _step(learner: Learner, batch: Batch) -> None:
    learner.train_on(batch, lr=0.0, weight=1.0, last=True)


def _seconds(action: Callable[[], object]) -> float:
    began_s = time.monotonic()
    action()
    return time.monotonic() - began_s
