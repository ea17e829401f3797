"""The tracker with a real MLflow in a SQLite file."""

import logging
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from medseg.runs.tracker import Tracker


def _start(tracker: Tracker, folder: Path, uri: str = "http://127.0.0.1:1", **more: object) -> Tracker:
    values = {"experiment": "e", "run_name": "r", "params": {}, "tags": {}, "artifact_root": folder / "mlartifacts"}
    tracker.start(uri=uri, **(values | more))  # type: ignore[arg-type]  # a table of plain arguments
    return tracker


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Making a database takes seconds, so one is made and copied."""
    folder = tmp_path_factory.mktemp("database")
    _start(Tracker(), folder, uri=f"sqlite:///{folder}/mlflow.db").finish("FINISHED")
    return folder / "mlflow.db"


@pytest.fixture
def database(empty_database: Path, tmp_path: Path) -> str:
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path}/mlflow.db"


def _client(uri: str):  # type: ignore[no-untyped-def]
    from mlflow import MlflowClient

    return MlflowClient(uri)


def test_a_run_in_a_database_keeps_its_files_beside_it(
    database: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tracker = _start(Tracker(), tmp_path, uri=database, experiment="with files", params={"long": "v" * 9000})
    (tmp_path / "config.yaml").write_text("a: 1\n")
    tracker.log_artifacts([tmp_path / "config.yaml"])
    tracker.finish("KILLED")
    run = _client(database).get_run(tracker.run_id)
    assert run.info.status == "KILLED"
    assert len(run.data.params["long"]) == 5000
    assert [path.name for path in (tmp_path / "mlartifacts" / "with files").rglob("*.yaml")] == ["config.yaml"]
    assert capfd.readouterr() == ("", "")


def test_a_locked_database_is_an_mlflow_that_is_away(
    database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medseg.runs.tracking.LOCK_PATIENCE_S", 0.2)
    ahead_s = 0.0
    tracker = _start(Tracker(clock=lambda: time.monotonic() + ahead_s), tmp_path, uri=database)
    locker = sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None)
    locker.execute("BEGIN EXCLUSIVE")
    began = time.monotonic()
    for step in range(20):
        tracker.log_metrics({"loss": 1.0}, step)
        tracker.flush()
    assert time.monotonic() - began < 2.0
    assert "another program has locked the database" in caplog.records[0].message
    locker.execute("ROLLBACK")
    locker.close()
    ahead_s = 120.0
    tracker.flush()
    assert len(_client(database).get_metric_history(tracker.run_id, "loss")) == 20
    tracker.finish("FINISHED")
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1


def test_a_damaged_database_does_not_stop_a_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "mlflow.db").write_text("this is no database, and long enough to be read as one\n" * 20)
    began = time.monotonic()
    tracker = _start(Tracker(), tmp_path, uri=f"sqlite:///{tmp_path}/mlflow.db")
    assert tracker.run_id is None
    assert time.monotonic() - began < 3.0
    assert "file is not a database" in caplog.records[0].message


def test_a_deleted_experiment_is_taken_up_again(database: str, tmp_path: Path) -> None:
    client = _client(database)
    client.delete_experiment(client.get_experiment_by_name("e").experiment_id)
    tracker = _start(Tracker(), tmp_path, uri=database)
    assert tracker.run_id is not None
    tracker.finish("FINISHED")


@pytest.mark.slow
def test_two_trainings_that_make_the_database_at_once_both_get_a_run(tmp_path: Path) -> None:
    program = (
        "from pathlib import Path; from medseg.runs.tracker import Tracker; t = Tracker()\n"
        f"t.start(uri='sqlite:///{tmp_path}/mlflow.db', artifact_root=Path({str(tmp_path)!r}), experiment='e',"
        " run_name='r', params={}, tags={})\n"
        "t.log_metrics({'loss': 1.0}, 0); t.finish('FINISHED'); print(t.run_id)\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    ids = {process.communicate(timeout=120)[0].strip() for process in both}
    assert len(ids) == 2
    assert "None" not in ids
    assert all(_client(f"sqlite:///{tmp_path}/mlflow.db").get_run(run).info.status == "FINISHED" for run in ids)
