"""Tracking on a real MLflow server on this machine: it goes away, comes back, and keeps runs apart."""

import logging
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from medseg.runs.tracker import Tracker
from tests.mlflow_server import Server, served

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("mlflow")) as running:
        yield running


class Clock:
    """A clock that a test sets forward, so that no test waits for minutes."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_s


def _started(uri: str, folder: Path, *, name: str = "run", run_id: str | None = None, **params: object) -> Tracker:
    tracker = Tracker()
    _start(tracker, uri, folder, name=name, run_id=run_id, **params)
    return tracker


def _start(
    tracker: Tracker, uri: str, folder: Path, *, name: str = "run", run_id: str | None = None, **params: object
) -> None:
    tracker.start(
        uri=uri, artifact_root=folder, experiment="phantom", run_name=name, params=params, tags={}, run_id=run_id
    )


def _client(server: Server):  # type: ignore[no-untyped-def]
    from mlflow import MlflowClient

    return MlflowClient(server.uri)


def _steps(server: Server, run_id: str | None, key: str = "loss") -> list[int]:
    return sorted(point.step for point in _client(server).get_metric_history(run_id, key))


def test_a_whole_run_arrives(server: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tracker = _started(server.uri, tmp_path, seed=7, **{"optimizer.lr": 1e-3})
    for step in range(5):
        tracker.log_metrics({"loss": 1.0 / (step + 1), "dice/WT": float("nan") if step == 0 else 0.8}, step)
    (tmp_path / "bundle" / "configs").mkdir(parents=True)
    (tmp_path / "bundle" / "configs" / "inference.yaml").write_text("a: 1\n")
    (tmp_path / "curves.png").write_bytes(b"png")
    tracker.log_artifacts([tmp_path / "bundle", tmp_path / "curves.png", tmp_path / "absent.txt"])
    tracker.finish("FINISHED")

    client = _client(server)
    run = client.get_run(tracker.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"seed": "7", "optimizer.lr": "0.001"}
    assert _steps(server, tracker.run_id) == [0, 1, 2, 3, 4]
    assert _steps(server, tracker.run_id, "dice/WT") == [1, 2, 3, 4]
    assert sorted(item.path for item in client.list_artifacts(tracker.run_id)) == ["bundle", "curves.png"]
    assert client.list_artifacts(tracker.run_id, "bundle/configs")[0].path == "bundle/configs/inference.yaml"
    assert capfd.readouterr().out == ""


def test_two_runs_at_once_stay_apart(server: Server, tmp_path: Path) -> None:
    first = _started(server.uri, tmp_path, name="same name")
    second = _started(server.uri, tmp_path, name="same name")
    for step in range(3):
        first.log_metrics({"loss": 1.0}, step)
        second.log_metrics({"loss": 2.0}, 10 + step)
    first.finish("KILLED")
    second.finish("FINISHED")
    assert first.run_id != second.run_id
    assert _steps(server, first.run_id) == [0, 1, 2]
    assert _steps(server, second.run_id) == [10, 11, 12]
    assert _client(server).get_run(first.run_id).info.status == "KILLED"


def test_after_kill_9_the_next_run_does_not_write_into_the_dead_one(server: Server, tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from medseg.runs.tracker import Tracker\n"
        "t = Tracker()\n"
        f"t.start(uri={server.uri!r}, artifact_root=Path('x'), experiment='phantom', run_name='run',"
        " params={}, tags={})\n"
        "t.log_metrics({'loss': 3.0}, 0); t.flush(); print(t.run_id, flush=True); os.kill(os.getpid(), 9)\n"
    )
    died = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert died.returncode == -signal.SIGKILL
    dead = died.stdout.strip()

    following = _started(server.uri, tmp_path)
    following.log_metrics({"loss": 1.0}, 1)
    following.finish("FINISHED")
    assert following.run_id != dead
    assert _steps(server, dead) == [0]
    assert _client(server).get_run(dead).info.status == "RUNNING"

    resumed = _started(server.uri, tmp_path, run_id=dead)
    resumed.log_metrics({"loss": 0.5}, 1)
    resumed.finish("FINISHED")
    assert resumed.run_id == dead
    assert _steps(server, dead) == [0, 1]
    assert _client(server).get_run(dead).info.status == "FINISHED"


def test_a_resumed_run_is_running_again_and_keeps_its_parameters(server: Server, tmp_path: Path) -> None:
    first = _started(server.uri, tmp_path, epochs=10, seed=1)
    first.finish("KILLED")
    again = _started(server.uri, tmp_path, run_id=first.run_id, epochs=20, seed=1, extra="new")
    run = _client(server).get_run(first.run_id)
    assert run.info.status == "RUNNING"
    assert run.data.params == {"epochs": "10", "seed": "1", "extra": "new"}
    assert run.data.tags["resumed.epochs"] == "20"
    again.finish("FINISHED")


def test_a_run_that_was_deleted_is_replaced_by_a_new_one(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = _started(server.uri, tmp_path)
    first.finish("KILLED")
    _client(server).delete_run(first.run_id)
    again = _started(server.uri, tmp_path, run_id=first.run_id)
    again.log_metrics({"loss": 1.0}, 0)
    again.finish("FINISHED")
    assert again.run_id != first.run_id
    assert _steps(server, again.run_id) == [0]
    assert [record.message for record in caplog.records] == [
        f"MLflow has no run {first.run_id} any more; a new one is made."
    ]


def test_a_server_that_goes_away_and_comes_back_gets_everything(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "medseg")
    clock = Clock()
    tracker, unopened = Tracker(clock=clock), Tracker(clock=clock)
    _start(tracker, server.uri, tmp_path, seed=1)
    tracker.log_metrics({"loss": 9.0}, 0)
    server.stop()

    began = time.monotonic()
    _start(unopened, server.uri, tmp_path, name="started while away", seed=2)
    assert unopened.run_id is None
    for step in range(1, 50):  # a training that asks for a send at each epoch
        for each in (tracker, unopened):
            each.log_metrics({"loss": 1.0 / step}, step)
            each.flush()
        clock.ahead_s += 5.0
    assert time.monotonic() - began < 10.0
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]  # one for each tracker
    assert all("is away (connection " in record.message for record in caplog.records)  # refused, or lost

    server.start()
    clock.ahead_s += 20 * 60.0
    tracker.flush()
    assert _steps(server, tracker.run_id) == list(range(50))
    assert "MLflow is back" in caplog.records[-1].message
    tracker.finish("FINISHED")
    unopened.finish("FINISHED")
    assert _steps(server, unopened.run_id) == list(range(1, 50))
    assert _client(server).get_run(unopened.run_id).data.params == {"seed": "2"}


def test_a_server_that_never_answers_holds_a_training_up_for_seconds_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as silent:  # takes connections and says nothing
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        tracker = _started(f"http://127.0.0.1:{silent.getsockname()[1]}", tmp_path)
        for step in range(100):
            tracker.log_metrics({"loss": 1.0}, step)
            tracker.flush()
        assert time.monotonic() - began < 5.0
        tracker.finish("FAILED", patience_s=0.0)
    assert "no answer in time" in caplog.records[0].message
    assert "100 values not sent" in caplog.records[-1].message
    assert len(caplog.records) == 2
