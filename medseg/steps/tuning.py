"""A search from request to best recipe: trials one after another, each a complete run, none of them on the hold-out."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from typing import Any

from medseg.bundle.read import Bundle
from medseg.core.errors import BundleError, TrainingError
from medseg.core.files import without_nan
from medseg.recipe.layers import Resolved
from medseg.recipe.space import Space
from medseg.runs.config_file import format_value, write_config
from medseg.runs.folder import RunFolder, create_run_folder
from medseg.runs.log_file import attach_log, detach_log
from medseg.runs.progress import format_seconds
from medseg.runs.record import Outcome
from medseg.runs.tracker import NoTracker
from medseg.steps.resuming import check_same, recipe_of_run
from medseg.steps.session import check_task, fill_cache
from medseg.steps.stopping import StopWish, stop_on_signals
from medseg.steps.task import split_line
from medseg.steps.tuning_best import how_to_train, write_best
from medseg.steps.tuning_request import SPACE, TuneRequest
from medseg.steps.tuning_result import Found
from medseg.steps.tuning_search import Tried, propose
from medseg.steps.tuning_state import (
    BEST,
    TRIALS,
    Ended,
    Search,
    finish_search,
    open_tracker,
    start_search_record,
    write_state,
)
from medseg.steps.tuning_trial import FINISHED, RUNNING, Trial, run_trial

Say = Callable[[str], None]
STOPPED_BY_SIGNAL = "stopped by a signal; trials that ended are kept"


def start_search(
    request: TuneRequest, bundle: Bundle, resolved: Resolved, space: Space, *, count: int, began_s: float, say: Say
) -> Ended:
    """Search a space for the recipe with the best validation Dice.

    Args:
        request: What was asked.
        bundle: What is trained.
        resolved: The recipe of trial 0.
        space: What is tried.
        count: Trainings in all, from ``check_search``.
        began_s: When the command began, on the scale of time.monotonic.
        say: Shows a line to the user.

    Returns:
        How the search ended, and what was found.

    Raises:
        MedsegError: The data cannot be used, the disk is full, or no trial came to its end.
    """
    task = check_task(request.of_all_trials(), bundle, resolved, began_s=began_s, say=say)
    run = create_run_folder(request.training.output, bundle.name, request.training.name)
    write_config(run.config, resolved)
    shutil.copyfile(request.space, run.root / SPACE)
    return _conduct(Search(request, bundle, resolved, space, count, task, run, [], 0.0, began_s, NoTracker()), say)


def resume_search(
    run: RunFolder,
    record: Mapping[str, Any],
    request: TuneRequest,
    bundle: Bundle,
    space: Space,
    *,
    began_s: float,
    say: Say,
) -> Ended:
    """Go on with a search; trials that ended are kept, the one in progress goes on.

    Args:
        run: The search's folder.
        record: Its run.json.
        request: What was asked.
        bundle: What is trained.
        space: What is tried.
        began_s: When the command began, on the scale of time.monotonic.
        say: Shows a line to the user.

    Returns:
        As ``start_search``.

    Raises:
        DatalistError: The data are not those the search began with.
        BundleError: Nor is the bundle.
        MedsegError: As ``start_search``.
    """
    resolved = recipe_of_run(run)
    task = check_task(request.of_all_trials(), bundle, resolved, began_s=began_s, say=say)
    check_same(task, record, run.root)
    if record["bundle"]["digest"] != bundle.configuration_digest:
        raise BundleError(
            f"Bundle '{bundle.name}' changed since search '{run.root}' began; its trials could not be compared. "
            "Put the files back, or start a new search."
        )
    trials = [Trial.from_dict(one) for one in record["trials"]]
    used_s = float(record.get("used_s", 0.0))
    search = Search(request, bundle, resolved, space, record["count"], task, run, trials, used_s, began_s, NoTracker())
    return _conduct(search, say, run_id=record.get("mlflow_run_id"))


def _conduct(search: Search, say: Say, *, run_id: str | None = None) -> Ended:
    """All trials, and a record that says how the search ended whatever ends it."""
    start_search_record(search, run_id)
    log = attach_log(search.run.log)
    try:
        with stop_on_signals() as wish:
            search.tracker = open_tracker(search, run_id)
            say(split_line(search.task.split))
            say(f"Output: {search.run.root}")
            fill_cache(search.task)  # before the first trial, which alone would pay for it otherwise
            outcome, reason = _all_trials(search, wish, say)
            found = _close(search, outcome, reason, say)
    except BaseException as error:
        outcome = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        finish_search(
            search, outcome, f"{type(error).__name__}: {error}" if outcome == "failed" else "stopped by a signal"
        )
        if outcome == "interrupted":
            say(_how_to_go_on(search))
        raise
    finally:
        detach_log(log)
    return Ended(search.run, outcome, found)


def _all_trials(search: Search, wish: StopWish, say: Say) -> tuple[Outcome, str | None]:
    while len(search.ended) < search.count:
        if wish.wanted:
            return "interrupted", STOPPED_BY_SIGNAL
        minutes = search.minutes()
        if minutes is not None and minutes <= 0:
            return "stopped", f"the budget was over after {len(search.ended)} of {search.count} trials"
        trial = search.trials[-1] if search.trials and search.trials[-1].outcome == RUNNING else _next(search)
        if trial is None:
            return "stopped", f"nothing new was left to try after {len(search.ended)} of {search.count} trials"
        if trial not in search.trials:
            search.trials.append(trial)
            write_state(search)
        say(_opening_line(trial, search.count))
        ended = run_trial(trial, _request_of(search, trial, minutes), search.bundle, search.run.root)
        if ended is None:
            return "interrupted", STOPPED_BY_SIGNAL
        search.trials[-1] = ended
        say(_closing_line(ended))
        _note(search, ended)
    return "finished", None


def _next(search: Search) -> Trial | None:
    number = len(search.trials)
    if number == 0 and search.request.baseline:
        return Trial(0, search.own)
    tried = [Tried(trial.values, trial.dice) for trial in search.trials]
    values = propose(search.space, search.request.search, tried, seed=search.task.recipe.seed)
    return None if values is None else Trial(number, values)


def _request_of(search: Search, trial: Trial, minutes: float | None) -> Any:
    return search.request.of_trial(
        trial.values,
        name=trial.name,
        recipe=search.run.config,
        root=search.run.root,
        minutes=minutes,
        parent=search.tracker.run_id,
    )


def _note(search: Search, ended: Trial) -> None:
    """Everything a later sitting needs is on the disk before the next trial begins."""
    write_state(search)
    found = search.found()
    found.write_csv(search.run.root / TRIALS)
    if found.best is not None and ended.dice is not None:
        dice = {"dice": ended.dice, "best_dice": found.best.dice or 0.0}
        search.tracker.log_metrics(dice, step=ended.number)


def _close(search: Search, outcome: Outcome, reason: str | None, say: Say) -> Found:
    found = search.found()
    if outcome == "interrupted":
        finish_search(search, outcome, reason)
        say(_how_to_go_on(search))
        return found
    if reason is not None:
        say(f"The search ended early: {reason}.")
    if found.best is None:
        reasons = "\n".join(f"  {line}" for line in found.failures())
        raise TrainingError(f"None of the {len(found.trials)} trials came to its end:\n{reasons}")
    say(found.table())
    for line in (*found.failures(), *found.sentences()):
        say(line)
    write_best(search, found, found.best)
    gain = found.gain
    finish_search(
        search,
        outcome,
        reason,
        best=found.best.number,
        gain=None if gain is None else without_nan({"mean": gain.mean, "low": gain.low, "high": gain.high}),
        patients=found.patients,
    )
    say(f"Train it: {how_to_train(search, str(search.run.root / BEST))}")
    return found


def _opening_line(trial: Trial, count: int) -> str:
    shown = ", ".join(f"{key} {format_value(value)}" for key, value in trial.values.items())
    return f"trial {trial.number} ({trial.number + 1} of {count}): {shown}"


def _closing_line(trial: Trial) -> str:
    took = format_seconds(trial.seconds)
    if trial.outcome != FINISHED or trial.dice is None:
        return f"  failed after {took}: {trial.reason}"
    return f"  validation Dice {trial.dice:.4f}, {took}"


def _how_to_go_on(search: Search) -> str:
    return (
        f"Stopped after {len(search.ended)} of {search.count} trials. "
        f"Go on with: python -m medseg.tune --resume {search.run.root}"
    )
