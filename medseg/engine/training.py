"""The training loop: epochs of steps, validation, checkpoints, and a clean end whatever ends it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from medseg.core.recipe import Recipe
from medseg.engine.batches import Batch, Patches, serve
from medseg.engine.checkpoint import random_state, restore_random_state
from medseg.engine.counters import Counters, Span
from medseg.engine.device import peak_memory_gib
from medseg.engine.distributed import largest
from medseg.engine.learner import Learner
from medseg.engine.pace import Pace
from medseg.engine.schedule import lr_share
from medseg.engine.scoring import mean_scored

# A kill loses at most this much work, in mid-epoch too; saving each step would cost more than it saves.
SAVE_EVERY_S = 60.0

FINISHED, STOPPED, INTERRUPTED = "finished", "stopped", "interrupted"


@dataclass(frozen=True)
class EpochReport:
    """What an epoch brought.

    Attributes:
        epoch: Counted from 1.
        steps: Steps done in all.
        lr: Learning rate reached at its end.
        loss: Mean training loss.
        seconds: Duration, validation included.
        data_wait: Share of the training time spent waiting for data, 0 to 1.
        dice: Mean validation Dice per scored name; empty where this epoch was not validated.
        memory_gib: Peak so far.
        progress: Of the run, 0 to 1.
    """

    epoch: int
    steps: int
    lr: float
    loss: float
    seconds: float
    data_wait: float
    dice: Mapping[str, float]
    memory_gib: float
    progress: float


class Watcher(Protocol):
    """Who looks on: shows, records and saves. The leader's does; the others' do nothing."""

    def wants_stop(self) -> bool:
        """Whether the user asked to stop."""

    def after_step(self, *, epoch: int, loss: float, progress: float) -> None:
        """A step was done."""

    def after_epoch(self, report: EpochReport) -> None:
        """An epoch was done."""

    def save(self, state: dict[str, Any], *, is_best: bool) -> None:
        """Keep the state; ``is_best`` where validation was never better."""


@dataclass(frozen=True)
class Opening:
    """A run's first epochs, on patches of their own.

    Attributes:
        patches: What it learns from until then.
        until: Progress of the run, 0 to 1; the epoch under way is finished first.
    """

    patches: Patches
    until: float


Validate = Callable[[], dict[str, float]]  # mean Dice per scored name of the judged network


@dataclass
class Training:
    """A run in progress.

    Attributes:
        learner: The network that learns.
        patches: What it learns from.
        pace: How far the run is; only the leader's counts.
        validate: Scores the judged network on the validation studies.
        watcher: Who looks on.
        workers: Processes that prepare batches.
        counters: Where the run is.
        opening: Smaller patches for the first epochs; None for the same patches throughout.
        validation_s: How long scoring the validation studies takes. Before the end they are scored only where that much
            time is left: the last scoring has its own.
    """

    learner: Learner
    patches: Patches
    pace: Pace
    validate: Validate
    watcher: Watcher
    workers: int
    counters: Counters = field(default_factory=Counters)
    opening: Opening | None = None
    validation_s: float = 0.0
    _saved_s: float = field(default=0.0, repr=False)

    @property
    def recipe(self) -> Recipe:
        """The learner's recipe."""
        return self.learner.recipe

    def state(self) -> dict[str, Any]:
        """Everything needed to go on bit for bit."""
        return {
            **self.learner.state(),
            "counters": asdict(self.counters),
            "progress": self.pace.progress,
            "random": random_state(self.learner.device),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state that ``state`` gave; the pace is the caller's to set."""
        self.learner.restore(state)
        self.counters = Counters(**state["counters"])
        restore_random_state(state["random"], self.learner.device)

    def run(self) -> str:
        """Train to the end of the pace; gives ``FINISHED``, ``STOPPED`` or ``INTERRUPTED``.

        A training whose state was at its end already does nothing more.
        """
        if self.counters.epoch and (outcome := self._outcome(self.pace.progress)):
            return outcome
        batches: Iterator[Batch] | None = None
        progress, self._saved_s = self.pace.progress, time.monotonic()
        while True:
            if self._turns(progress) or batches is None:
                batches = self._serve()
            span = Span(self.counters)
            losses, progress, interrupted = self._learn(batches, progress, span)
            span.trained()
            if interrupted:
                self._save(is_best=False)
                return INTERRUPTED
            dice, is_best = self._judge(due=progress >= 1.0)
            span.ended()
            self.watcher.after_epoch(self._report(span, losses, dice, progress))
            outcome = self._outcome(progress)
            if outcome or is_best:
                self._save(is_best=is_best)
            if outcome:
                return outcome

    def _turns(self, progress: float) -> bool:
        """Whether other patches are due than those of the epoch before; an epoch is never of two kinds."""
        counters, was_opening = self.counters, self.counters.is_opening
        if counters.step == 0:
            counters.is_opening = self.opening is not None and progress < self.opening.until
        return counters.is_opening != was_opening

    def _serve(self) -> Iterator[Batch]:
        return serve(
            self._patches(),
            world=self.learner.world,
            epoch=self.counters.epoch,
            step=self.counters.step,
            workers=self.workers,
            pin=self.learner.device.type == "cuda",
        )

    def _patches(self) -> Patches:
        return self.opening.patches if self.opening is not None and self.counters.is_opening else self.patches

    def _learn(self, batches: Iterator[Batch], progress: float, span: Span) -> tuple[list[float], float, bool]:
        """Do the rest of an epoch: losses of its steps, the progress reached, whether a stop was asked for."""
        learner, counters, world = self.learner, self.counters, self.learner.world
        plan = self._patches().plan(counters.epoch, world)
        losses: list[float] = []
        while counters.step < len(plan):
            shares = plan[counters.step]
            last = counters.step + 1 == len(plan)
            asked_s = time.monotonic()
            batch = next(batches)
            counters.wait_s += time.monotonic() - asked_s
            weight = len(shares[world.rank]) * world.size / sum(len(share) for share in shares)
            losses.append(learner.train_on(batch, lr=self._lr(progress), weight=weight, last=last))
            counters.step, counters.steps = counters.step + 1, counters.steps + 1
            self.pace.advance()
            mine = [float(self.watcher.wants_stop()), self.pace.progress if world.leads else 0.0]
            stop, progress = largest(mine, world, learner.device)
            self.watcher.after_step(epoch=counters.epoch + 1, loss=losses[-1], progress=progress)
            if not learner.settled:
                continue
            if progress >= 1.0:
                break
            if stop:
                return losses, progress, True
            if time.monotonic() - self._saved_s > SAVE_EVERY_S:
                span.note()
                self._save(is_best=False)
        counters.epoch, counters.step = counters.epoch + 1, 0
        return losses, progress, False

    def _save(self, *, is_best: bool) -> None:
        self.watcher.save(self.state(), is_best=is_best)
        self._saved_s = time.monotonic()

    def _judge(self, *, due: bool) -> tuple[dict[str, float], bool]:
        """Dice of the validation studies where it is due, and whether it was never better."""
        counters = self.counters
        if not due and (counters.epoch % self.recipe.validation.every or not self._has_time_to_validate()):
            return {}, False
        dice = self.validate()
        mean = mean_scored(list(dice.values()))
        # Equal at the best epoch: a kill after best.pt and before last.pt made this epoch be done again.
        again = counters.epoch == counters.best_epoch and mean == counters.best
        is_best = not math.isnan(mean) and (mean > counters.best or again)
        if is_best:
            counters.best, counters.best_epoch = mean, counters.epoch
        counters.stale = 0 if is_best else counters.stale + 1
        return dice, is_best

    def _has_time_to_validate(self) -> bool:
        """As the leader's clock says; every process must ask."""
        world, is_late = self.learner.world, not self.pace.has_time_for(self.validation_s)
        return not any(largest([float(world.leads and is_late)], world, self.learner.device))

    def _outcome(self, progress: float) -> str | None:
        patience = self.recipe.validation.patience
        if progress >= 1.0:
            return FINISHED
        return STOPPED if patience is not None and self.counters.stale >= patience else None

    def _lr(self, progress: float) -> float:
        return self.recipe.optimizer.lr * lr_share(progress, self.recipe.schedule)

    def _report(self, span: Span, losses: list[float], dice: Mapping[str, float], progress: float) -> EpochReport:
        return EpochReport(
            epoch=self.counters.epoch,
            steps=self.counters.steps,
            lr=self._lr(progress),
            loss=mean_scored(losses),
            seconds=span.total_s,
            data_wait=span.wait_s / max(span.train_s, 1e-9),
            dice=dice,
            memory_gib=peak_memory_gib(self.learner.device),
            progress=progress,
        )
