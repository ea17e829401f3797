"""Tells MLflow how a run goes, without ever stopping the run.

Where MLflow is away, values wait here and are sent when it is back; metrics.csv has them in any case.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from medseg.runs.pauses import Pauses
from medseg.runs.tracking import (
    PAIRS_PER_CALL,
    PARENT_TAG,
    POINTS_PER_CALL,
    OpenRun,
    Plan,
    Point,
    RefusedError,
    Status,
    former_run,
    new_run,
    ready_database,
)
from medseg.runs.tracking_text import as_key, as_reason, as_value
from medseg.runs.tracking_uri import checked_uri, without_credentials

BUFFERED = 200  # values after which they are sent without being asked to
SEND_EVERY_S = 10.0  # so that the charts of a server live
SEND_AT_MOST_S = 3.0  # a long backlog is sent in parts, to keep a training going
RETRY_S = 1.0  # between tries at the end of a run
FINISH_PATIENCE_S = 15.0  # for an MLflow that is away when the run ends
_log = logging.getLogger(__name__)


class Tracking(Protocol):
    """What a training tells whoever tracks it."""

    run_id: str | None

    def log_metrics(self, values: Mapping[str, float], step: int) -> None:
        """Note values of a step."""

    def log_artifacts(self, paths: Iterable[Path]) -> None:
        """Hand over files and folders."""

    def flush(self) -> None:
        """Send what was noted."""

    def finish(self, status: Status) -> None:
        """Send what is left and close the run."""


class NoTracker:
    """Takes everything and does nothing: --no-tracking, and every rank but the first."""

    run_id: str | None = None

    def start(self, **_: object) -> None:
        """Do nothing."""

    def log_metrics(self, values: Mapping[str, float], step: int) -> None:
        """Do nothing."""

    def log_artifacts(self, paths: Iterable[Path]) -> None:
        """Do nothing."""

    def flush(self) -> None:
        """Do nothing."""

    def finish(self, status: Status) -> None:
        """Do nothing."""


class Tracker:
    """Tracks one run in MLflow.

    Attributes:
        run_id: MLflow's id of the run; None while MLflow has not answered yet.

    Args:
        clock: Seconds from any start.
        sleep: Waits so many seconds; used only at the end of a run.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.run_id: str | None = None
        self._clock, self._sleep = clock, sleep
        self._pauses = Pauses(clock)
        self._plan: Plan | None = None
        self._run: OpenRun | None = None
        self._params: dict[str, str] = {}
        self._tags: dict[str, str] = {}
        self._points: list[Point] = []
        self._files: list[Path] = []
        self._last_send = clock()
        self._away = False
        self._warned: set[str] = set()

    def start(
        self,
        *,
        uri: str,
        artifact_root: Path,
        experiment: str,
        run_name: str,
        params: Mapping[str, object],
        tags: Mapping[str, object],
        run_id: str | None = None,
        parent_id: str | None = None,
    ) -> None:
        """Open a run; where MLflow is away, go on and open it later.

        Args:
            uri: From ``choose_uri``.
            artifact_root: Folder for the run's files where ``uri`` is a SQLite database; a server
                has its own.
            experiment: Name of the experiment, made where there is none.
            run_name: Name of the run; need not be unique.
            params: Recipe and data as flat keys.
            tags: Other facts.
            run_id: Go on with exactly this run. Where it was deleted, a new one is made.
            parent_id: MLflow's id of the run that this one is a part of; MLflow shows it below that one.

        Raises:
            UsageError: The address is of a kind that medseg does not use.
        """
        self._plan = Plan(checked_uri(uri, "--tracking-uri"), artifact_root, experiment, run_name)
        self.run_id = run_id
        self._params = {as_key(key): as_value(value) for key, value in params.items()}
        self._tags = {as_key(key): as_value(value) for key, value in tags.items()}
        if parent_id is not None:
            self._tags[PARENT_TAG] = parent_id
        self.flush()

    def log_metrics(self, values: Mapping[str, float], step: int) -> None:
        """Note values of a step; they are sent now and then, or by ``flush``.

        A value that is nan or infinite is left out: the chart has a gap where nothing was scored.
        """
        now_ms = int(time.time() * 1000)
        finite = {as_key(key): float(value) for key, value in values.items() if math.isfinite(value)}
        self._points += [Point(key, value, now_ms, step) for key, value in finite.items()]
        if len(self._points) >= BUFFERED or self._clock() - self._last_send >= SEND_EVERY_S:
            self.flush()

    def flush(self) -> None:
        """Send what was noted, unless MLflow was away a short while ago; takes a few seconds at most."""
        if self._plan is None or not self._pauses.due:
            return
        self._last_send = self._clock()
        try:
            self._send(self._plan, until=self._clock() + SEND_AT_MOST_S)
        except Exception as error:  # whatever MLflow does, the training goes on
            self._pauses.failed()
            self._note_away(error)
        else:
            self._pauses.succeeded()
            self._note_back()

    def log_artifacts(self, paths: Iterable[Path]) -> None:
        """Hand over files and folders, now or, where that fails, at the end of the run."""
        self._files += paths
        self.flush()
        if self._run is None or self._away:
            return
        try:
            self._upload(self._run)
        except Exception as error:
            self._warn_once(
                "upload", f"MLflow did not take '{self._files[0]}' ({as_reason(error)}). Tried again later."
            )

    def finish(self, status: Status, *, patience_s: float = FINISH_PATIENCE_S) -> None:
        """Send everything, hand over the files that wait, and close the run.

        Args:
            status: How the run ended.
            patience_s: How long to wait for an MLflow that is away.
        """
        if self._plan is None:
            return
        plan, self._plan = self._plan, None
        until = self._clock() + patience_s
        away = self._insist(lambda: self._send(plan, until=math.inf), until)
        if away is None and self._run is not None:
            run = self._run
            refused = self._insist(lambda: self._upload(run), until)
            if refused is not None:
                _log.warning("MLflow did not take %s (%s).", _count(self._files, "file"), as_reason(refused))
            away = self._insist(lambda: run.close(status), until)
        if away is not None:
            _log.warning(
                "MLflow at %s is away (%s): %s not sent, and the run is not marked %s there. "
                "metrics.csv has every value.",
                without_credentials(plan.uri),
                as_reason(away),
                _count(self._points, "value"),
                status,
            )

    def _insist(self, act: Callable[[], None], until: float) -> Exception | None:
        while True:
            try:
                act()
                return None
            except Exception as error:
                if self._clock() + RETRY_S > until:
                    return error
                self._sleep(RETRY_S)

    def _send(self, plan: Plan, until: float) -> None:
        ready_database(plan.uri)
        run = self._run = self._run or self._open(plan)
        _send_pairs(self._params, run.send_params, self._note_refused)
        _send_pairs(self._tags, run.send_tags, self._note_refused)
        while self._points and self._clock() < until:
            points = self._points[:POINTS_PER_CALL]
            try:
                run.send_points(points)
            except RefusedError as error:
                self._note_refused(error)
            del self._points[: len(points)]

    def _open(self, plan: Plan) -> OpenRun:
        run = former_run(plan, self.run_id) if self.run_id else None
        if run is None:
            if self.run_id:
                self._warn_once("gone", f"MLflow has no run {self.run_id} any more; a new one is made.")
            run = new_run(plan)
        self.run_id = run.id
        # MLflow never changes a parameter; what a resumed run does otherwise becomes a tag.
        changed = {key: value for key, value in self._params.items() if run.params.get(key, value) != value}
        self._tags |= {as_key(f"resumed.{key}"): value for key, value in changed.items()}
        self._params = {key: value for key, value in self._params.items() if key not in run.params}
        return run

    def _upload(self, run: OpenRun) -> None:
        while self._files:
            if self._files[0].exists():
                run.upload(self._files[0])
            del self._files[0]

    def _note_away(self, error: Exception) -> None:
        if not self._away and self._plan is not None:
            _log.warning(
                "MLflow at %s is away (%s). The run goes on; values are kept and sent when it is back.",
                without_credentials(self._plan.uri),
                as_reason(error),
            )
        self._away = True

    def _note_back(self) -> None:
        if self._away:
            _log.info("MLflow is back; what was noted meanwhile is sent.")
        self._away = False

    def _note_refused(self, error: RefusedError) -> None:
        self._warn_once("refused", f"MLflow refused a part of what the run told it ({as_reason(error)}).")

    def _warn_once(self, kind: str, message: str) -> None:
        if kind not in self._warned:
            _log.warning("%s", message)
        self._warned.add(kind)


def _send_pairs(
    waiting: dict[str, str], send: Callable[[Mapping[str, str]], None], refused: Callable[[RefusedError], None]
) -> None:
    while waiting:
        part = dict(list(waiting.items())[:PAIRS_PER_CALL])
        try:
            send(part)
        except RefusedError as error:
            refused(error)
        for key in part:
            del waiting[key]


def _count(things: list[Path] | list[Point], name: str) -> str:
    return f"1 {name}" if len(things) == 1 else f"{len(things)} {name}s"
