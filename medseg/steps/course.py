"""Measure a training's speed and say how long it will take, or how far it gets in its budget."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from medseg.core.errors import TrainingError
from medseg.engine.batches import Patches
from medseg.engine.distributed import leader_says
from medseg.engine.pace import BudgetPace, Pace, StepPace
from medseg.engine.probe import Speed, measure
from medseg.engine.training import Training, Watcher
from medseg.steps.parts import Parts
from medseg.transforms.prepared import Prepared

# A hold-out study is segmented in fp32, brought back to its own grid and drawn: about three times a validation study.
HOLDOUT_COST = 3.0
FINISH_S = 10.0  # bundle, curves and tracking at the end


@dataclass(frozen=True)
class Course:
    """How a run will go.

    Attributes:
        training: Ready to run.
        speed: What the probe measured.
        steps: Expected in all, those before a resume included.
        steps_per_epoch: Of each epoch.
        seconds: Expected until the training ends.
    """

    training: Training
    speed: Speed
    steps: int
    steps_per_epoch: int
    seconds: float


def plot_course(
    parts: Parts,
    *,
    train: Sequence[Prepared],
    validation: Sequence[Prepared],
    scored: int,
    watcher: Watcher,
    workers: int,
    ends_at_s: float | None,
    state: dict[str, Any] | None,
) -> Course:
    """A training ready to run, with what it will take.

    Args:
        parts: From ``build_parts``.
        train: Prepared training studies.
        validation: Prepared validation studies.
        scored: Number of studies scored after training; their time is kept back from a budget.
        watcher: Who looks on.
        workers: Processes that prepare batches.
        ends_at_s: When everything should be over, on the scale of time.monotonic; None counts epochs.
        state: Of the checkpoint to go on from; None starts afresh.

    Raises:
        TrainingError: The budget is over before the first step.
    """
    learner, recipe = parts.learner, parts.learner.recipe
    patches = Patches(train, recipe.sampling, recipe.augmentation, seed=recipe.seed)
    speed: Speed = leader_says(measure(learner, patches, lambda: parts.validate(validation[:1])), learner.world)
    training = Training(learner, patches, StepPace(1), lambda: parts.validate(validation), watcher, workers)
    if state is not None:
        training.restore(state)
    per_epoch = len(patches.plan(0, learner.world))
    validation_s = speed.study_s * math.ceil(len(validation) / learner.world.size)
    step_s = speed.step_s + validation_s / (recipe.validation.every * per_epoch)
    if ends_at_s is None:
        done, total = training.counters.steps, recipe.length.epochs * per_epoch
        training.pace = StepPace(total, done)
        return Course(training, speed, total, per_epoch, (total - done) * step_s + validation_s)
    last_step_s = ends_at_s - validation_s - HOLDOUT_COST * speed.study_s * scored - FINISH_S
    training.pace = (
        _budget(last_step_s, step_s) if state is None else BudgetPace(last_step_s, step_s, state["progress"])
    )
    steps = training.counters.steps + training.pace.steps_left
    return Course(training, speed, steps, per_epoch, last_step_s - time.monotonic() + validation_s)


def _budget(last_step_s: float, step_s: float) -> Pace:
    """Pace of a new run; a resumed one whose time is up does one step more and is scored, which loses nothing."""
    pace = BudgetPace(last_step_s, step_s)
    if pace.steps_left < 1:
        short_s = step_s - (last_step_s - time.monotonic())
        raise TrainingError(
            f"The budget ends before the first step: reading, one step of {step_s:.1f} s and scoring need "
            f"{short_s / 60:.1f} minutes more. Give a longer --budget."
        )
    return pace
