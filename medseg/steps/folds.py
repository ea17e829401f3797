"""A cross-validation: each fold trained in turn, then every patient scored by the model that did not see them."""

from __future__ import annotations

import gc
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from medseg.core.errors import MedsegError, OutputError
from medseg.engine.training import INTERRUPTED
from medseg.metrics.evaluation import Evaluation
from medseg.recipe.layers import Layer, Resolved, resolve
from medseg.runs.evaluation_facts import EvaluationFacts
from medseg.runs.evaluation_files import PER_STUDY, REPORT, SUMMARY
from medseg.runs.folder import RunFolder, is_trained
from medseg.runs.record import read_record, spent_s
from medseg.steps.evaluation_tracking import values_of
from medseg.steps.folds_evaluation import evaluate_folds, told_scores
from medseg.steps.folds_postprocessing import choose_for_folds
from medseg.steps.folds_predictions import segment_fold
from medseg.steps.folds_run import FoldsRun, fold_name, open_folds_run
from medseg.steps.folds_time import PASSES, FoldsTime
from medseg.steps.request import PHANTOM_LAYER, TrainRequest
from medseg.steps.resuming import check_same, recipe_of_run
from medseg.steps.session import train_task
from medseg.steps.stopping import stop_on_signals
from medseg.steps.task import Task, check_choosers, split_of

PREDICTIONS, EVALUATION = "predictions", "evaluation"
Say = Callable[[str], None]


@dataclass(frozen=True)
class CrossValidation:
    """How a cross-validation ended.

    Attributes:
        run: Its folder; the runs of the folds are in it.
        outcome: "finished" or "interrupted".
        facts: Scores of every study by the model that did not see it; None where it was interrupted.
    """

    run: RunFolder
    outcome: str
    facts: EvaluationFacts | None

    @property
    def dice(self) -> dict[str, float]:
        """Label or region to its mean Dice over all patients; empty where not all folds are trained."""
        if self.facts is None:
            return {}
        evaluation = self.facts.evaluation
        return {name: evaluation.summaries[name]["dice"].whole.mean for name in evaluation.names}


def cross_validate(task: Task, *, resume: Path | None, say: Say) -> CrossValidation:
    """Train every fold that is not trained yet, then score all of them together.

    Args:
        task: From ``check_task``; its own fold does not matter.
        resume: Folder of the cross-validation to go on with; None starts a new one.
        say: Shows a line to the user.

    Raises:
        MedsegError: A fold cannot be split off or trained, or nothing can be written; the record says so.
    """
    folds = task.split.folds
    if folds < task.recipe.split.folds:
        say(f"{folds} folds, not {task.recipe.split.folds}: there are no more patients")
    for number in range(folds):  # all of them before the first is trained
        check_choosers(task.cohort, split_of(task.cohort, task.recipe, number), task.chose)
    budget_min = _budget_of(task) if resume is None else read_record(resume / "run.json")["budget_min"]
    with (
        stop_on_signals() as wish,
        _opened(open_folds_run(task, folds=folds, budget_min=budget_min, resume=resume, say=say), say) as run,
    ):
        clock = _clock(task, run)
        for number in range(folds):
            if not _train_fold(task, run, clock, number, say) or wish.wanted:
                run.close("interrupted", reason=f"stopped by a signal in {fold_name(number)}; the state is saved")
                say(_how_to_go_on(run))
                return CrossValidation(run.folder, "interrupted", None)
            _segment(task, run, clock, number, say)
        return _close(task, run, say)


def _close(task: Task, run: FoldsRun, say: Say) -> CrossValidation:
    """Score all label maps together, hand the numbers on, and let the maps choose the postprocessing.

    The scores are of the maps as predicted, before the choice: what chooses cannot measure.
    """
    predictions, output = run.folder.root / PREDICTIONS, run.folder.root / EVALUATION
    title = f"{task.bundle.name} {run.folder.name}, {run.folds} folds"
    facts = evaluate_folds(task, predictions, output, title=title, say=say)
    run.tracker.log_metrics(values_of(facts.evaluation), step=0)
    run.tracker.log_artifacts([run.folder.config, *(output / name for name in (REPORT, SUMMARY, PER_STUDY))])
    postprocessing = _choose(task, run, facts.evaluation, say)
    digest = facts.evaluation.policy.digest
    scores = told_scores(facts.evaluation)
    run.close("finished", evaluation=scores, policy_digest=digest, postprocessing=postprocessing)
    return CrossValidation(run.folder, "finished", facts)


def _choose(task: Task, run: FoldsRun, evaluation: Evaluation, say: Say) -> dict[str, Any]:
    """The choice of postprocessing for the record; that it failed is told, and costs nothing that was measured.

    Raises:
        OutputError: Some bundles may have what was chosen and others not; going on writes the rest.
    """
    folds = [run.fold(number) for number in range(run.folds)]
    try:
        return choose_for_folds(task, evaluation, run.folder.root / PREDICTIONS, folds, say=say)
    except OutputError:
        raise
    except MedsegError as error:
        say(f"No postprocessing was chosen: {error}")
        return {"note": f"not chosen: {error}", "written": False}


@contextmanager
def _opened(run: FoldsRun, say: Say) -> Iterator[FoldsRun]:
    """Whatever ends the block, the record and MLflow say how it ended, and the user how to go on."""
    try:
        yield run
    except BaseException as error:
        run.fail(error)
        if isinstance(error, KeyboardInterrupt):
            say(_how_to_go_on(run))
        raise


def _how_to_go_on(run: FoldsRun) -> str:
    return f"Go on with this fold and the rest: python -m medseg.train --resume {run.folder.root}"


def _train_fold(task: Task, run: FoldsRun, clock: FoldsTime | None, number: int, say: Say) -> bool:
    """Train a fold, or the rest of it; whether it came to its end."""
    folder = run.fold(number)
    say(f"\nFold {number} of {run.folds}")
    if is_trained(folder.root):
        say(f"'{folder.root}' is trained already.")
        return True
    if folder.record.is_file():
        former = read_record(folder.record)
        fold = _former_fold(task, folder, former, number)
        check_same(fold, former, folder.root)
    else:
        _remove_beginnings(folder)
        fold = _new_fold(task, run, clock, number)
    result = train_task(fold, resume=folder.root if folder.record.is_file() else None, say=say)
    run.note()
    if result.holdout is not None:
        means = {f"fold_dice_{name}": one.mean for name, one in result.holdout.summaries.items()}
        run.tracker.log_metrics(means, step=number)
    gc.collect()  # networks and prepared studies of this fold, before those of the next are made
    return result.outcome != INTERRUPTED


def _segment(task: Task, run: FoldsRun, clock: FoldsTime | None, number: int, say: Say) -> None:
    began_s = time.monotonic()
    data, output = task.cohort.dataset.root, run.folder.root / PREDICTIONS
    made = segment_fold(run.fold(number), data, output, device=task.request.device, say=say)
    if made and clock is not None:
        clock.segmenting_s.append(time.monotonic() - began_s)


def _new_fold(task: Task, run: FoldsRun, clock: FoldsTime | None, number: int) -> Task:
    """The task of a fold that has not begun."""
    now_s = time.monotonic()
    request = replace(
        task.request,
        fold=number,
        name=fold_name(number),
        within=run.folder.root,
        mlflow_parent=run.tracker.run_id,
        budget_min=None,
        holdout_passes=1 if clock is None else PASSES,
    )
    resolved = task.resolved
    if clock is not None:
        resolved = _with_budget(resolved, clock.share_s(now_s, run.folds - number) / 60.0)
    split = split_of(task.cohort, task.recipe, number)
    return replace(task, request=request, resolved=resolved, split=split, began_s=now_s)


def _former_fold(task: Task, folder: RunFolder, record: Mapping[str, Any], number: int) -> Task:
    """The task of a fold to go on with, as it began."""
    request = TrainRequest.from_dict(record["request"])
    split = split_of(task.cohort, task.recipe, number)
    return replace(task, request=request, resolved=recipe_of_run(folder), split=split, began_s=time.monotonic())


def _remove_beginnings(folder: RunFolder) -> None:
    """A fold that was stopped before its record was written left a recipe and a bundle without weights at most.

    Raises:
        OutputError: They cannot be removed.
    """
    try:
        if folder.root.exists():
            shutil.rmtree(folder.root)
    except OSError as error:
        raise OutputError(f"Cannot begin '{folder.root}' anew: {error.strerror or error}. Remove it.") from error


def _budget_of(task: Task) -> float | None:
    """Minutes of the whole command; None where the recipe gives each training its length."""
    whole = task.request.budget_min is not None or task.resolved.origins["length.budget_min"] == PHANTOM_LAYER
    return task.recipe.length.budget_min if whole else None


def _with_budget(resolved: Resolved, minutes: float) -> Resolved:
    layers = [Layer(resolved.origins[key], {key: value}) for key, value in resolved.values.items()]
    return resolve([*layers, Layer("share of the whole budget", {"length.budget_min": minutes})], "Recipe of a fold")


def _clock(task: Task, run: FoldsRun) -> FoldsTime | None:
    """The time that is left of a budget, after what the folds of earlier commands took."""
    if run.budget_min is None:
        return None
    of_folds_s = sum(_spent_s(run.fold(number)) for number in range(run.folds))
    # The whole knows what lay between the trainings too, but not what a sitting took that was killed.
    used_s = max(of_folds_s, _spent_s(run.folder))
    whole_s = run.budget_min * 60.0
    return FoldsTime(task.began_s + whole_s - used_s, whole_s, run.folds)


def _spent_s(folder: RunFolder) -> float:
    return spent_s(read_record(folder.record)) if folder.record.is_file() else 0.0
