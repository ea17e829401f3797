"""Close a training: ship the weights, score the hold-out, draw, hand everything to tracking."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from medseg.bundle.copy import copy_bundle
from medseg.engine.checkpoint import load_checkpoint
from medseg.engine.counters import Counters
from medseg.engine.distributed import World
from medseg.engine.scoring import mean_per_name
from medseg.engine.training import INTERRUPTED
from medseg.runs.folder import RunFolder
from medseg.runs.metrics_log import read_metrics
from medseg.runs.pictures import draw_curves
from medseg.runs.progress import Progress, format_seconds
from medseg.runs.table import write_csv
from medseg.steps.course import Course
from medseg.steps.holdout import Holdout, score_holdout
from medseg.steps.opening import OpenRun
from medseg.steps.parts import Parts
from medseg.steps.task import Task
from medseg.transforms.prepared import Prepared

NOT_MEASURED = "No patient was held out, so nothing says how good this model is."


@dataclass(frozen=True)
class Result:
    """How a training ended.

    Attributes:
        run: Its folder.
        outcome: "finished", "stopped" (early, by patience) or "interrupted".
        holdout: Scores on studies it never saw; None where it was interrupted, or there are none, or they are left
            alone.
        validation: In place of these, study id to Dice per scored name of the studies that chose the weights.
    """

    run: RunFolder
    outcome: str
    holdout: Holdout | None
    validation: Mapping[str, Mapping[str, float]] | None = None

    @property
    def dice(self) -> dict[str, float]:
        """Label or region to its mean Dice on the hold-out; empty where there is none."""
        return {} if self.holdout is None else {name: one.mean for name, one in self.holdout.summaries.items()}


def close_run(
    task: Task,
    run: OpenRun,
    course: Course,
    parts: Parts,
    outcome: str,
    say: Callable[[str], None],
    *,
    validation: Sequence[Prepared],
) -> Result:
    """Leave a complete bundle and its scores, or say how to go on.

    Args:
        task: What was trained on what.
        run: Where to write.
        course: Holds the training that ran.
        parts: The network and its chain; gets the weights that are shipped.
        outcome: What the training gave.
        say: Shows a line to the user.
        validation: Scored where no hold-out is.
    """
    counters = course.training.counters
    if outcome == INTERRUPTED:
        run.close("interrupted", reason="stopped by a signal; the state is saved", epoch=counters.epoch)
        say(f"Stopped after step {counters.steps}. Go on with: python -m medseg.train --resume {run.folder.root}")
        return Result(run.folder, outcome, None)
    epoch = _ship(task, run, parts)
    draw_curves(read_metrics(run.folder.metrics), run.folder.curves)
    holdout = _score(task, run, parts) if task.scores_holdout else None
    scores = None if holdout else _score_validation(run, parts, validation)
    for line in _told(task, run, counters, epoch, holdout):
        say(line)
    _track(run, parts, holdout, scores, counters.wait_share)
    run.close(
        "finished" if outcome == "finished" else "stopped",
        holdout=None if holdout is None else holdout.record(),
        epoch=counters.epoch,
        steps=counters.steps,
        data_wait=counters.wait_share,
        weights_epoch=epoch,
        **({} if task.split.holdout else {"note": NOT_MEASURED}),
    )
    return Result(run.folder, outcome, holdout, scores)


def _told(task: Task, run: OpenRun, counters: Counters, epoch: int, holdout: Holdout | None) -> Iterator[str]:
    """What a user sees at the end."""
    if holdout is not None:
        yield holdout.table()
    if not task.split.holdout:
        how = f"python -m medseg.evaluate --bundle {run.folder.root} --data DIR --output EVAL"
        yield f"{NOT_MEASURED} Score it on other data: {how}"
    seconds = time.monotonic() - task.began_s
    yield f"Weights: epoch {epoch} of {counters.epoch}, {counters.steps} steps; {format_seconds(seconds)} in all"
    yield f"data wait: {counters.wait_share:.1%} of the training time"


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


def _score_validation(run: OpenRun, parts: Parts, studies: Sequence[Prepared]) -> dict[str, dict[str, float]]:
    scores = parts.score_each(studies, world=World())
    names = parts.bundle.labels.scored
    write_csv(run.folder.validation, ["study", *names], [[key, *dice.values()] for key, dice in scores.items()])
    return scores


def _track(
    run: OpenRun,
    parts: Parts,
    holdout: Holdout | None,
    validation: Mapping[str, Mapping[str, float]] | None,
    wait: float,
) -> None:
    values = {} if holdout is None else {f"holdout_dice_{name}": one.mean for name, one in holdout.summaries.items()}
    if validation is not None:
        means = mean_per_name(validation, parts.bundle.labels)
        values |= {f"validation_dice_{name}": mean for name, mean in means.items()}
    epochs = read_metrics(run.folder.metrics)
    run.tracker.log_metrics({**values, "data_wait_total": wait}, step=int(epochs[-1]["epoch"]) if epochs else 0)
    folder = run.folder
    run.tracker.log_artifacts(
        [
            folder.curves,
            folder.overlays,
            folder.config,
            folder.metrics,
            folder.holdout,
            folder.validation,
            folder.bundle,
        ]
    )
