"""Open a run, new or interrupted: folder, record, log, metrics, tracking, and the state to go on from."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medseg.bundle.copy import copy_bundle
from medseg.core.errors import FileError
from medseg.core.files import write_json
from medseg.engine.checkpoint import load_checkpoint
from medseg.engine.distributed import leader_says
from medseg.runs.config_file import write_config
from medseg.runs.folder import RunFolder, create_run_folder
from medseg.runs.log_file import attach_log, detach_log
from medseg.runs.metrics_log import MetricsLog, columns_for
from medseg.runs.record import Outcome, finish_record, read_record
from medseg.runs.tracker import NoTracker, Tracker
from medseg.runs.tracking import Status
from medseg.steps.records import start_task_record
from medseg.steps.task import Task
from medseg.steps.tracked import open_tracking

STATUS: dict[Outcome, Status] = {
    "finished": "FINISHED",
    "stopped": "FINISHED",
    "interrupted": "KILLED",
    "failed": "FAILED",
}


@dataclass
class OpenRun:
    """A run that is being written.

    Attributes:
        folder: Where.
        state: Of the checkpoint to go on from; None for a new run.
        metrics: One row an epoch; None for the processes that do not lead.
        tracker: MLflow, or nothing.
        began_s: When it was opened.
    """

    folder: RunFolder
    state: dict[str, Any] | None
    metrics: MetricsLog | None
    tracker: Tracker | NoTracker
    began_s: float
    _log: logging.Handler | None = field(default=None, repr=False)
    _closed: bool = field(default=False, repr=False)

    def fail(self, error: BaseException) -> None:
        """Say that an error or a signal ended it."""
        if isinstance(error, KeyboardInterrupt):
            self.close("interrupted", reason="stopped by a signal")
        else:
            self.close("failed", reason=f"{type(error).__name__}: {error}")

    def close(self, outcome: Outcome, *, reason: str | None = None, **more: Any) -> None:
        """Say how it ended, in the record and in MLflow. Processes that do not lead say nothing."""
        if self.metrics is None or self._closed:
            return
        seconds = time.monotonic() - self.began_s
        try:
            finish_record(self.folder.record, outcome=outcome, seconds=seconds, reason=reason, **more)
            self._closed = True  # a signal from here on must not turn a finished run into an interrupted one
        finally:  # a full disk must not leave a run that MLflow takes for running
            self.tracker.finish(STATUS[outcome])
            if self._log is not None:
                detach_log(self._log)


def open_run(task: Task, resume: Path | None, say: Callable[[str], None]) -> OpenRun:
    """Make or reopen the run's folder and start its record.

    Raises:
        OutputError: The folder cannot be made.
        FileError: The checkpoint to go on from cannot be read.
    """
    folder = _folder(task, resume)
    state = _state(folder) if resume else None
    if not task.world.leads:
        return OpenRun(folder, state, None, NoTracker(), task.began_s)
    say(f"Output: {folder.root}" + (f" (going on after epoch {state['counters']['epoch']})" if state else ""))
    former_id = _run_id(folder, state)
    _write_start(task, folder, resume, former_id)
    log = attach_log(folder.log)
    epoch = None if state is None else int(state["counters"]["epoch"])
    metrics = MetricsLog(folder.metrics, columns_for(task.bundle.labels.scored), resume_epoch=epoch)
    run = OpenRun(folder, state, metrics, NoTracker(), task.began_s, log)
    try:
        run.tracker = _start_tracker(task, folder, former_id)
        write_json(folder.record, {**read_record(folder.record), "mlflow_run_id": run.tracker.run_id})
    except BaseException as error:
        run.fail(error)
        raise
    return run


def _run_id(folder: RunFolder, state: dict[str, Any] | None) -> str | None:
    """MLflow's id of the run to go on with: from the checkpoint or, before the first one, from the record."""
    if state is not None and state.get("run_id"):
        return str(state["run_id"])
    return read_record(folder.record).get("mlflow_run_id") if folder.record.is_file() else None


def _folder(task: Task, resume: Path | None) -> RunFolder:
    if resume is not None:
        return RunFolder(resume)
    root = None
    if task.world.leads:
        request = task.request
        root = create_run_folder(request.output, task.bundle.name, request.name, within=request.within).root
    return RunFolder(leader_says(root, task.world))


def _state(folder: RunFolder) -> dict[str, Any] | None:
    if not folder.last.is_file():
        return None  # interrupted before the first checkpoint: the same run starts anew
    state = load_checkpoint(folder.last)
    try:
        best = load_checkpoint(folder.best) if folder.best.is_file() else None
    except FileError:
        best = None
    if best is not None and best["score"] > state["counters"]["best"]:
        # best.pt is written first; after a kill in between it knows more than last.pt.
        state["counters"] |= {"best": best["score"], "best_epoch": best["epoch"]}
    return state


def _write_start(task: Task, folder: RunFolder, resume: Path | None, run_id: str | None) -> None:
    if resume is None:
        write_config(folder.config, task.resolved)
        copy_bundle(task.bundle, folder.bundle, with_weights=False)
    start_task_record(
        folder.record,
        task,
        verb="train",
        split=task.split_record,
        request=task.request.as_dict(),
        mlflow_run_id=run_id,
    )


def _start_tracker(task: Task, folder: RunFolder, run_id: str | None) -> Tracker | NoTracker:
    split = task.split
    params: dict[str, object] = dict(task.resolved.values)
    params |= {"fold": split.fold_name, "studies_train": len(split.train), "studies_validation": len(split.validation)}
    params |= {"studies_holdout": len(split.holdout), "data_digest": task.cohort.inspection.data_digest}
    params |= {"device": str(task.device), "precision": task.precision.name, "ranks": task.world.size}
    return open_tracking(task.request, task.bundle, run_name=folder.name, params=params, run_id=run_id)
