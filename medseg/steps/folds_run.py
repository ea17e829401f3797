"""The run of a cross-validation: the folder that holds the runs of its folds, its record, its run in MLflow."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medseg.bundle.split_file import CHOSE
from medseg.core.files import write_json
from medseg.core.split import EVERYONE
from medseg.runs.config_file import write_config
from medseg.runs.folder import RunFolder, create_run_folder
from medseg.runs.log_file import attach_log, detach_log
from medseg.runs.record import Outcome, finish_record, read_record
from medseg.runs.tracker import NoTracker, Tracker
from medseg.steps.opening import STATUS
from medseg.steps.records import start_task_record
from medseg.steps.task import Task
from medseg.steps.tracked import open_tracking


@dataclass
class FoldsRun:
    """A cross-validation that is being written.

    Attributes:
        folder: Where.
        folds: Number of folds.
        budget_min: Minutes of the whole; None where each fold has a length of its own.
        tracker: MLflow, or nothing.
        began_s: When this command began.
    """

    folder: RunFolder
    folds: int
    budget_min: float | None
    tracker: Tracker | NoTracker
    began_s: float
    _log: logging.Handler | None = field(default=None, repr=False)

    def fold(self, number: int) -> RunFolder:
        """The run of a fold."""
        return RunFolder(self.folder.root / fold_name(number))

    def note(self) -> None:
        """Write down how far each fold is."""
        write_json(self.folder.record, {**read_record(self.folder.record), "folds": self._told()})

    def fail(self, error: BaseException) -> None:
        """Say that an error or a signal ended it."""
        if isinstance(error, KeyboardInterrupt):
            self.close("interrupted", reason="stopped by a signal")
        else:
            self.close("failed", reason=f"{type(error).__name__}: {error}")

    def close(self, outcome: Outcome, *, reason: str | None = None, **more: Any) -> None:
        """Say how it ended, in the record and in MLflow."""
        seconds = time.monotonic() - self.began_s
        try:
            facts = {"folds": self._told(), **more}
            finish_record(self.folder.record, outcome=outcome, seconds=seconds, reason=reason, **facts)
        finally:  # a full disk must not leave a run that MLflow takes for running
            self.tracker.finish(STATUS[outcome])
            if self._log is not None:
                detach_log(self._log)

    def _told(self) -> list[dict[str, Any]]:
        return told_folds(self.folder.root, self.folds)


def fold_name(number: int) -> str:
    """Folder of a fold in that of its cross-validation."""
    return f"fold{number}"


def told_folds(root: Path, folds: int) -> list[dict[str, Any]]:
    """For each fold the name of its run, its outcome (None before it began) and its Dice on the hold-out."""
    told = []
    for number in range(folds):
        run = RunFolder(root / fold_name(number))
        record = read_record(run.record) if run.record.is_file() else {}
        told.append({"name": run.name, "outcome": record.get("outcome"), "holdout": record.get("holdout")})
    return told


def open_folds_run(
    task: Task, *, folds: int, budget_min: float | None, resume: Path | None, say: Callable[[str], None]
) -> FoldsRun:
    """Make or reopen the folder and start its record.

    Args:
        task: What is trained on what.
        folds: Number of folds.
        budget_min: Minutes of the whole; None where each fold has a length of its own.
        resume: Folder to go on in; None makes one.
        say: Shows a line to the user.

    Raises:
        OutputError: The folder cannot be made.
    """
    request = task.request
    folder = RunFolder(resume) if resume else create_run_folder(request.output, task.bundle.name, request.name)
    say(f"Output: {folder.root}")
    run_id = read_record(folder.record).get("mlflow_run_id") if resume else None
    if resume is None:
        write_config(folder.config, task.resolved)
    start_task_record(
        folder.record,
        task,
        verb="train",
        split=_split(task, folds),
        request=request.as_dict(),
        mlflow_run_id=run_id,
        budget_min=budget_min,
        folds=told_folds(folder.root, folds),
    )
    run = FoldsRun(folder, folds, budget_min, NoTracker(), task.began_s, attach_log(folder.log))
    try:
        run.tracker = open_tracking(
            request, task.bundle, run_name=folder.name, params=_params(task, folds), run_id=run_id
        )
        write_json(folder.record, {**read_record(folder.record), "mlflow_run_id": run.tracker.run_id})
    except BaseException as error:
        run.fail(error)
        raise
    return run


def _split(task: Task, folds: int) -> dict[str, Any]:
    """Together the models of all folds have seen every study."""
    ids = [study.id for study in task.cohort.dataset.studies]
    chose = {CHOSE: list(task.chose)} if task.chose else {}
    of_all = {"train": ids, "validation": [], "holdout": [], "fold": EVERYONE, "folds": folds}
    return of_all | {"seed": task.recipe.seed} | chose


def _params(task: Task, folds: int) -> Mapping[str, object]:
    params: dict[str, object] = {**task.resolved.values, "folds": folds, "studies": len(task.cohort.dataset.studies)}
    params |= {"data_digest": task.cohort.inspection.data_digest, "device": str(task.device)}
    return params | {"precision": task.precision.name}
