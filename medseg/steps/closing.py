"""Close a training: ship the weights, score the hold-out, draw, hand everything to tracking."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from medseg.bundle.copy import copy_bundle
from medseg.engine.checkpoint import load_checkpoint
from medseg.engine.training import INTERRUPTED
from medseg.runs.folder import RunFolder
from medseg.runs.metrics_log import read_metrics
from medseg.runs.pictures import draw_curves
from medseg.runs.progress import Progress, format_seconds
from medseg.steps.course import Course
from medseg.steps.holdout import Holdout, score_holdout
from medseg.steps.opening import OpenRun
from medseg.steps.parts import Parts
from medseg.steps.task import Task


@dataclass(frozen=True)
class Result:
    """How a training ended.

    Attributes:
        run: Its folder.
        outcome: "finished", "stopped" (early, by patience) or "interrupted".
        holdout: Scores on studies it never saw; None where it was interrupted.
    """

    run: RunFolder
    outcome: str
    holdout: Holdout | None


def close_run(
    task: Task, run: OpenRun, course: Course, parts: Parts, outcome: str, say: Callable[[str], None]
) -> Result:
    """Leave a complete bundle and its scores, or say how to go on.

    Args:
        task: What was trained on what.
        run: Where to write.
        course: Holds the training that ran.
        parts: The network and its chain; gets the weights that are shipped.
        outcome: What the training gave.
        say: Shows a line to the user.
    """
    counters = course.training.counters
    if outcome == INTERRUPTED:
        run.close("interrupted", reason="stopped by a signal; the state is saved", epoch=counters.epoch)
        say(f"Stopped after step {counters.steps}. Go on with: python -m medseg.train --resume {run.folder.root}")
        return Result(run.folder, outcome, None)
    epoch = _ship(task, run, parts)
    draw_curves(read_metrics(run.folder.metrics), run.folder.curves)
    holdout = _score(task, run, parts)
    wait = counters.wait_s / max(counters.train_s, 1e-9)
    say(holdout.table())
    seconds = time.monotonic() - task.began_s
    say(f"Weights: epoch {epoch} of {counters.epoch}, {counters.steps} steps; {format_seconds(seconds)} in all")
    say(f"data wait: {wait:.1%} of the training time")
    _track(run, holdout, wait)
    means = {
        name: {"mean": one.mean, "low": one.low, "high": one.high, "n": one.n}
        for name, one in holdout.summaries.items()
    }
    facts: dict[str, Any] = {
        "epoch": counters.epoch,
        "steps": counters.steps,
        "data_wait": wait,
        "weights_epoch": epoch,
    }
    run.close("finished" if outcome == "finished" else "stopped", holdout=_plain(means), **facts)
    return Result(run.folder, outcome, holdout)


def _ship(task: Task, run: OpenRun, parts: Parts) -> int:
    """Put the chosen weights into the run's bundle and the judged network; gives their epoch."""
    keep_best = task.recipe.validation.keep == "best" and run.folder.best.is_file()
    if keep_best:
        best = load_checkpoint(run.folder.best)
        parts.learner.judged.load_state_dict(best["network"])
        epoch = int(best["epoch"])
    else:
        epoch = int(load_checkpoint(run.folder.last)["counters"]["epoch"])
    copy_bundle(task.bundle, run.folder.bundle, state_dict=parts.learner.judged.state_dict())
    return epoch


def _score(task: Task, run: OpenRun, parts: Parts) -> Holdout:
    studies = task.cohort.studies(task.split.holdout)
    with Progress(len(studies), "Scoring the hold-out") as progress:
        return score_holdout(
            studies,
            parts.predictor(),
            labels=task.bundle.labels,
            class_of_value=task.cohort.class_of_value,
            run=run.folder,
            seed=task.recipe.seed,
            advance=progress.advance,
        )


def _track(run: OpenRun, holdout: Holdout, wait: float) -> None:
    values = {f"holdout_dice_{name}": summary.mean for name, summary in holdout.summaries.items()}
    epochs = read_metrics(run.folder.metrics)
    run.tracker.log_metrics({**values, "data_wait_total": wait}, step=int(epochs[-1]["epoch"]) if epochs else 0)
    folder = run.folder
    run.tracker.log_artifacts(
        [folder.curves, folder.overlays, folder.config, folder.metrics, folder.holdout, folder.bundle]
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return None if isinstance(value, float) and value != value else value  # JSON has no nan
