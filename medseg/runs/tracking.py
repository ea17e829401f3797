"""What medseg asks of MLflow, call by call.

Every call names its run by id and none searches for one, so nothing is ever written into another
run. Nothing here waits or tries again: that is ``Tracker``'s work.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from medseg.runs.tracking_client import connect, time_for_files
from medseg.runs.tracking_uri import sqlite_path

Status = Literal["FINISHED", "FAILED", "KILLED"]

PARENT_TAG = "mlflow.parentRunId"  # by it MLflow shows a run below another
PAIRS_PER_CALL = 20  # parameters or tags; MLflow takes 100, but no more than 1 MB in a request
POINTS_PER_CALL = 1000
LOCK_PATIENCE_S = 2.0
# What MLflow answers to data that it will not take however often it is sent.
_REFUSALS = frozenset({"INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "BAD_REQUEST", "INVALID_STATE"})


class RefusedError(Exception):
    """MLflow will not take this, now or later."""


@dataclass(frozen=True)
class Plan:
    """Which run to open.

    Attributes:
        uri: Address of the MLflow.
        artifact_root: Folder for files where the address is a SQLite database.
        experiment: Name of the experiment.
        run_name: Name of the run; need not be unique.
    """

    uri: str
    artifact_root: Path
    experiment: str
    run_name: str


@dataclass(frozen=True)
class Point:
    """One value of one metric; ``time_ms`` counts from 1970 in UTC."""

    key: str
    value: float
    time_ms: int
    step: int


class OpenRun:
    """A run that MLflow knows.

    Attributes:
        id: MLflow's id of it.
        params: Parameters it has already; MLflow never changes one.
    """

    def __init__(self, client: Any, run: Any) -> None:
        self.id = str(run.info.run_id)
        self.params: Mapping[str, str] = dict(run.data.params)
        self._client = client

    def send_params(self, pairs: Mapping[str, str]) -> None:
        """Send parameters, at most ``PAIRS_PER_CALL``."""
        from mlflow.entities import Param

        self._send(params=[Param(key, value) for key, value in pairs.items()])

    def send_tags(self, pairs: Mapping[str, str]) -> None:
        """Send tags, at most ``PAIRS_PER_CALL``."""
        from mlflow.entities import RunTag

        self._send(tags=[RunTag(key, value) for key, value in pairs.items()])

    def send_points(self, points: Sequence[Point]) -> None:
        """Send values, at most ``POINTS_PER_CALL``; sent twice they are still there once."""
        from mlflow.entities import Metric

        self._send(metrics=[Metric(point.key, point.value, point.time_ms, point.step) for point in points])

    def upload(self, path: Path) -> None:
        """Hand over a file, or a folder under its own name."""
        with time_for_files():
            if path.is_dir():
                self._client.log_artifacts(self.id, str(path), artifact_path=path.name)
            else:
                self._client.log_artifact(self.id, str(path))

    def close(self, status: Status) -> None:
        """Say how the run ended."""
        self._client.set_terminated(self.id, status)

    def _send(self, **batch: list[Any]) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.log_batch(self.id, **batch)
        except MlflowException as error:
            if error.error_code in _REFUSALS:
                raise RefusedError(str(error)) from error
            raise


def ready_database(uri: str) -> None:
    """Make a SQLite database where there is none, and raise at once where it is locked or damaged.

    MLflow itself would wait for up to 100 s.

    Raises:
        sqlite3.Error: The file cannot be written.
        OSError: It cannot be made.
    """
    path = sqlite_path(uri)
    if path is None:
        return
    if not path.exists():
        _make_database(path)
    with contextlib.closing(sqlite3.connect(path, timeout=LOCK_PATIENCE_S, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        database.execute("ROLLBACK")


def _make_database(path: Path) -> None:
    """Make it elsewhere and put it in its place whole.

    MLflow takes seconds and 60 steps to lay out its tables. A second training that starts meanwhile,
    or a kill, would leave tables that no MLflow can use again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".mlflow-", dir=path.parent) as folder:
        made = Path(folder) / path.name
        connect(f"sqlite:///{made}").search_experiments(max_results=1)
        try:
            os.link(made, path)  # unlike a rename, it never replaces what another training put there
        except FileExistsError:
            return
        except OSError:  # a file system without links
            if not path.exists():
                made.replace(path)


def new_run(plan: Plan) -> OpenRun:
    """A new run, and its experiment where there is none."""
    client = connect(plan.uri)
    experiment = _find_or_make_experiment(client, plan)
    return OpenRun(client, client.create_run(experiment, run_name=plan.run_name))


def former_run(plan: Plan, run_id: str) -> OpenRun | None:
    """The run of this id, set to RUNNING again; None where it was deleted or never was."""
    client = connect(plan.uri)
    run = _active_run(client, run_id)
    if run is None:
        return None
    client.update_run(run_id, status="RUNNING")
    return OpenRun(client, run)


def ended_run(uri: str, run_id: str) -> OpenRun | None:
    """The run of this id as it is, to add to it; None where it was deleted or never was. It needs no ``close``."""
    client = connect(uri)
    run = _active_run(client, run_id)
    return None if run is None else OpenRun(client, run)


def _active_run(client: Any, run_id: str) -> Any:
    from mlflow.exceptions import MlflowException

    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        if error.error_code in _REFUSALS:
            return None
        raise
    return run if run.info.lifecycle_stage == "active" else None


def _find_or_make_experiment(client: Any, plan: Plan) -> str:
    from mlflow.exceptions import MlflowException

    name = plan.experiment
    # A server keeps files where it was told to; a database alone has no place of its own for them.
    place = (plan.artifact_root.absolute() / name).as_uri() if sqlite_path(plan.uri) else None
    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name, artifact_location=place))
        except MlflowException:  # another training made it between the two calls
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)
