"""A search that is being made: what it tries, how far it is, and what it writes of itself."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

from medseg.bundle.read import Bundle
from medseg.core.files import write_json
from medseg.recipe.layers import Resolved
from medseg.recipe.space import Space, Values
from medseg.runs.folder import RunFolder
from medseg.runs.record import Outcome, finish_record, read_record
from medseg.runs.tracker import NoTracker, Tracker
from medseg.steps.opening import STATUS
from medseg.steps.records import start_task_record
from medseg.steps.task import Task
from medseg.steps.tracked import open_tracking
from medseg.steps.tuning_request import SPACE, TuneRequest
from medseg.steps.tuning_result import Found, found_in
from medseg.steps.tuning_trial import RUNNING, Trial

TRIALS, BEST = "trials.csv", "best.yaml"


@dataclass
class Search:
    """A search that is being made.

    Attributes:
        request: What was asked.
        bundle: What is trained.
        resolved: The recipe of trial 0.
        space: What is tried.
        count: Trials in all.
        task: Data and split of all trials.
        run: The search's folder.
        trials: Those that ended, and last the one in progress.
        used_s: Seconds of earlier sittings.
        began_s: When this sitting began, on the scale of time.monotonic.
        tracker: MLflow, or nothing.
    """

    request: TuneRequest
    bundle: Bundle
    resolved: Resolved
    space: Space
    count: int
    task: Task
    run: RunFolder
    trials: list[Trial]
    used_s: float
    began_s: float
    tracker: Tracker | NoTracker

    @property
    def ended(self) -> list[Trial]:
        """Trials that need nothing more."""
        return [trial for trial in self.trials if trial.outcome != RUNNING]

    @property
    def elapsed_s(self) -> float:
        """Seconds of all sittings."""
        return self.used_s + time.monotonic() - self.began_s

    @property
    def own(self) -> Values:
        """The values of trial 0 for the keys of the space."""
        return {key: self.resolved.values[key] for key in self.space.dimensions}

    def minutes(self) -> float | None:
        """What the next trial gets: an equal share of what is left, never more than of the whole.

        A trial that fails early leaves its time unused: with it, later ones would have learnt for longer.
        """
        budget_min = self.request.training.budget_min
        if budget_min is None:
            return None
        left_min = budget_min - self.elapsed_s / 60.0
        return min(budget_min / self.count, left_min / max(1, self.count - len(self.ended)))

    def found(self) -> Found:
        """What the trials so far show."""
        studies = self.task.cohort.studies(self.task.split.validation)
        return found_in(
            self.run.root,
            self.ended,
            baseline=self.request.baseline,
            patients={study.id: study.patient for study in studies},
            seed=self.task.recipe.seed,
        )


@dataclass(frozen=True)
class Ended:
    """A search that ended.

    Attributes:
        run: Its folder.
        outcome: "finished"; "stopped", as the budget was over or nothing new was left to try; "interrupted".
        found: Its trials.
    """

    run: RunFolder
    outcome: Outcome
    found: Found


def start_search_record(search: Search, run_id: str | None) -> None:
    """Write run.json as of now; MLflow's id where the search has one already.

    Raises:
        OutputError: The file cannot be written.
    """
    start_task_record(
        search.run.record,
        search.task,
        verb="tune",
        split=search.task.split.as_dict(),
        request=search.request.as_dict(),
        mlflow_run_id=run_id,
        count=search.count,
        trials=[trial.as_dict() for trial in search.trials],
        used_s=search.used_s,
    )


def write_state(search: Search) -> None:
    """Put the trials into run.json: everything a later sitting needs.

    Raises:
        OutputError: The file cannot be written.
    """
    record = read_record(search.run.record)
    state = {"trials": [trial.as_dict() for trial in search.trials], "used_s": round(search.elapsed_s, 1)}
    write_json(search.run.record, record | state)


def finish_search(search: Search, outcome: Outcome, reason: str | None, **more: Any) -> None:
    """Say how the search ended, in run.json and in MLflow.

    Raises:
        OutputError: The file cannot be written.
    """
    root = search.run.root
    try:
        used_s = round(search.elapsed_s, 1)
        finish_record(search.run.record, outcome=outcome, seconds=used_s, reason=reason, used_s=used_s, **more)
        search.tracker.log_artifacts([root / SPACE, root / TRIALS, root / BEST, search.run.config])
    finally:
        search.tracker.finish(STATUS[outcome])


def open_tracker(search: Search, run_id: str | None) -> Tracker | NoTracker:
    """MLflow's run of the search, which its trials are children of; nothing where it is not tracked.

    Raises:
        UsageError: The address is of a kind that medseg does not use.
    """
    params: dict[str, object] = {
        "search": search.request.search,
        "trials": search.count,
        "seed": search.task.recipe.seed,
    }
    params |= {"fold": search.task.split.fold, "studies_validation": len(search.task.split.validation)}
    params |= {f"own.{key}": value for key, value in search.own.items()}
    tracker = open_tracking(
        replace(search.request.training, mlflow_parent=None),
        search.bundle,
        run_name=search.run.name,
        params=params,
        tags={"kind": "search"},
        run_id=run_id,
    )
    write_json(search.run.record, {**read_record(search.run.record), "mlflow_run_id": tracker.run_id})
    return tracker
