"""The one who looks on at a training: shows it, writes it down, tracks it and keeps its checkpoints."""

from __future__ import annotations

import logging
import math
from typing import Any

import torch

from medseg.engine.checkpoint import save_checkpoint
from medseg.engine.training import EpochReport
from medseg.runs.folder import RunFolder
from medseg.runs.metrics_log import DICE_PREFIX, MetricsLog
from medseg.runs.progress import Progress
from medseg.runs.tracker import Tracking
from medseg.steps.stopping import StopWish

LOG = logging.getLogger("medseg")
LOSS_MEMORY = 0.95  # weight of the past in the loss the bar shows; single steps jump too much to read


class SilentWatcher:
    """Looks on for the processes that do not lead: only hears the wish to stop."""

    def __init__(self, wish: StopWish) -> None:
        self.wish = wish

    def wants_stop(self) -> bool:
        """Whether a signal came."""
        return self.wish.wanted

    def after_step(self, *, epoch: int, loss: float, progress: float) -> None:
        """Nothing."""

    def after_epoch(self, report: EpochReport) -> None:
        """Nothing."""

    def save(self, state: dict[str, Any], *, is_best: bool) -> None:
        """Nothing."""


class LeadingWatcher(SilentWatcher):
    """Looks on for the leader.

    Args:
        wish: Whether a signal came.
        run: Where to write.
        metrics: One row an epoch.
        tracker: MLflow, or nothing.
    """

    def __init__(self, wish: StopWish, run: RunFolder, metrics: MetricsLog, tracker: Tracking) -> None:
        super().__init__(wish)
        self.run, self.metrics, self.tracker = run, metrics, tracker
        self.bar: Progress | None = None
        self._loss, self._shown = math.nan, 0

    def show_on(self, bar: Progress, percent: int) -> None:
        """Show the training on a bar that stands at so many percent."""
        self.bar, self._shown = bar, percent

    def after_step(self, *, epoch: int, loss: float, progress: float) -> None:
        """Move the bar."""
        self._loss = loss if math.isnan(self._loss) else LOSS_MEMORY * self._loss + (1 - LOSS_MEMORY) * loss
        if self.bar is not None:
            percent = int(progress * 100)
            self.bar.advance(percent - self._shown, epoch=epoch, loss=self._loss)
            self._shown = percent

    def after_epoch(self, report: EpochReport) -> None:
        """Write the epoch down."""
        dice = dict(report.dice)
        if self.bar is not None:
            shown = {"dice": dice} if dice else {}
            self.bar.advance(0, epoch_seconds=report.seconds, memory_gib=report.memory_gib, **shown)
        row = {"epoch": report.epoch, "step": report.steps, "lr": report.lr, "loss": report.loss}
        row |= {DICE_PREFIX + name: value for name, value in dice.items()}
        row |= {"seconds": report.seconds, "data_wait": report.data_wait, "memory_gib": report.memory_gib}
        self.metrics.append(row)
        values = {
            key.replace(DICE_PREFIX, "dice_"): value for key, value in row.items() if key not in ("epoch", "step")
        }
        self.tracker.log_metrics(values, step=report.epoch)
        scores = ", ".join(f"Dice {name} {value:.4f}" for name, value in dice.items()) or "not scored"
        LOG.info("epoch %d, %d steps, loss %.4f, %s", report.epoch, report.steps, report.loss, scores)

    def save(self, state: dict[str, Any], *, is_best: bool) -> None:
        """Write best.pt first, so that a kill in between can only leave last.pt behind its best."""
        if is_best:
            best = {"epoch": state["counters"]["epoch"], "score": state["counters"]["best"]}
            save_checkpoint(self.run.best, {**best, "network": judged_weights(state)})
        save_checkpoint(self.run.last, {**state, "run_id": self.tracker.run_id})


def judged_weights(state: dict[str, Any]) -> dict[str, torch.Tensor]:
    """The weights of a state that are validated and shipped: the average where there is one."""
    if state["average"] is None:
        weights: dict[str, torch.Tensor] = state["network"]
        return weights
    prefix = "module."
    return {key.removeprefix(prefix): value for key, value in state["average"].items() if key.startswith(prefix)}
