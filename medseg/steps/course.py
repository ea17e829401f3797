"""Measure a training's speed and say how long it will take, or how far it gets in its budget."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from medseg.core.errors import TrainingError
from medseg.engine.pace import BudgetPace, Pace, StepPace
from medseg.engine.training import Opening, Training, Watcher
from medseg.steps.legs import Leg, lengths_ahead, measure_legs, validation_s
from medseg.steps.parts import Parts
from medseg.transforms.prepared import Prepared

# A hold-out study is read, segmented in fp32 and brought back to its own grid: about twice a validation study.
HOLDOUT_COST = 2.0
# Bundle, curves, tracking and the end of the process: with 10, budgets of 2 to 15 minutes had 11 s left.
FINISH_S = 7.0


@dataclass(frozen=True)
class Course:
    """How a run will go.

    Attributes:
        training: Ready to run.
        legs: Parts of the run, in their order.
        steps: Expected in all, those before a resume included.
        seconds: Expected until the training ends.
    """

    training: Training
    legs: tuple[Leg, ...]
    steps: int
    seconds: float


def plot_course(
    parts: Parts,
    *,
    train: Sequence[Prepared],
    validation: Sequence[Prepared],
    scored: float,
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
        scored: What is scored after training, in validation studies; its time is kept back from a budget.
        watcher: Who looks on.
        workers: Processes that prepare batches.
        ends_at_s: When everything should be over, on the scale of time.monotonic; None counts epochs.
        state: Of the checkpoint to go on from; None starts afresh.

    Raises:
        TrainingError: The budget is over before the first step.
    """
    learner = parts.learner
    legs = tuple(measure_legs(parts, train, validation))
    training = Training(learner, legs[-1].patches, StepPace(1), lambda: parts.validate(validation), watcher, workers)
    if state is not None:
        training.restore(state)
    training.validation_s = scoring_s = validation_s(legs[-1].speed, len(validation), learner.world.size)
    if ends_at_s is None:
        return _of_epochs(training, legs, scoring_s)
    last_step_s = ends_at_s - scoring_s - legs[-1].speed.study_s * scored - FINISH_S
    return _within_budget(training, legs, last_step_s, scoring_s, None if state is None else float(state["progress"]))


def _of_epochs(training: Training, legs: tuple[Leg, ...], scoring_s: float) -> Course:
    """The course of a run that ends after a number of epochs; scoring follows the last step."""
    epochs, done = training.recipe.length.epochs, training.counters.steps
    early = round(epochs * legs[0].share) if len(legs) > 1 else 0
    lengths = [n * leg.per_epoch for leg, n in zip(legs, (early, epochs - early)[-len(legs) :], strict=True)]
    total = sum(lengths)
    training.opening = Opening(legs[0].patches, lengths[0] / total) if early else None
    training.pace = StepPace(total, done)
    steps_s = sum(n * leg.mean_s for leg, n in zip(legs, lengths_ahead(lengths, done), strict=True))
    return Course(training, legs, total, steps_s + scoring_s)


def _within_budget(
    training: Training, legs: tuple[Leg, ...], last_step_s: float, scoring_s: float, progress: float | None
) -> Course:
    """The course of a run whose last step has its time; ``progress`` of one that is gone on with."""
    training.opening = Opening(legs[0].patches, legs[0].share) if len(legs) > 1 else None
    done = progress or 0.0
    ahead = lengths_ahead([leg.share for leg in legs], done)
    now = next((leg for leg, share in zip(legs, ahead, strict=True) if share), legs[-1])
    training.pace = _budget(last_step_s, now.mean_s) if progress is None else BudgetPace(last_step_s, now.mean_s, done)
    left_s = max(last_step_s - time.monotonic(), 0.0)
    rate = left_s / max(1.0 - done, 1e-9)
    steps = sum(int(share * rate / leg.mean_s) for leg, share in zip(legs, ahead, strict=True))
    return Course(training, legs, training.counters.steps + steps, left_s + scoring_s)


def _budget(last_step_s: float, step_s: float) -> Pace:
    """Pace of a new run; a resumed one whose time is up does one step more and is scored, which loses nothing."""
    pace = BudgetPace(last_step_s, step_s)
    if pace.steps_left < 1:
        short_s = step_s - (last_step_s - time.monotonic())
        raise TrainingError(
            f"The budget ends before the first step: reading, one step (with validation {step_s:.1f} s) and scoring "
            f"need {short_s / 60:.1f} minutes more. Give a longer --budget."
        )
    return pace
