"""The tracker's patience with an MLflow that is away, and a real one in a SQLite file."""

import logging
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from medseg.core.errors import UsageError
from medseg.runs import tracker as module
from medseg.runs.tracker import NoTracker, Tracker, Tracking
from medseg.runs.tracking import Plan, Point, RefusedError


class Clock:
    """A clock and a sleep that cost no time."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class FakeRun:
    """Stands for an MLflow; ``fault`` is what it answers everything with."""

    def __init__(self) -> None:
        self.id = "abc"
        self.params: Mapping[str, str] = {}
        self.fault: Exception | None = None
        self.asked = 0
        self.points: list[Point] = []
        self.pairs: list[dict[str, str]] = []
        self.files: list[str] = []
        self.status: str | None = None

    def _answer(self) -> None:
        self.asked += 1
        if self.fault is not None:
            raise self.fault

    def send_params(self, pairs: Mapping[str, str]) -> None:
        self._answer()
        self.pairs.append(dict(pairs))

    send_tags = send_params

    def send_points(self, points: Sequence[Point]) -> None:
        self._answer()
        self.points += points

    def upload(self, path: Path) -> None:
        self._answer()
        self.files.append(path.name)

    def close(self, status: str) -> None:
        self._answer()
        self.status = status


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeRun:
    run = FakeRun()

    def new_run(plan: Plan) -> FakeRun:
        run._answer()
        return run

    monkeypatch.setattr(module, "new_run", new_run)
    return run


def _start(tracker: Tracker, folder: Path, uri: str = "http://127.0.0.1:1", **more: object) -> Tracker:
    values = {"experiment": "e", "run_name": "r", "params": {}, "tags": {}, "artifact_root": folder / "mlartifacts"}
    tracker.start(uri=uri, **(values | more))  # type: ignore[arg-type]  # a table of plain arguments
    return tracker


def _tracker(folder: Path, clock: Clock, **more: object) -> Tracker:
    return _start(Tracker(clock=clock, sleep=clock.sleep), folder, **more)


def test_an_mlflow_that_is_away_is_asked_after_growing_pauses(tmp_path: Path, fake: FakeRun) -> None:
    clock, asked = Clock(), []
    fake.fault = OSError("Connection refused")
    tracker = _tracker(tmp_path, clock)
    for second in range(0, 3600, 5):
        clock.now = float(second)
        before = fake.asked
        tracker.log_metrics({"loss": 1.0}, second)
        tracker.flush()
        if fake.asked > before:
            asked.append(second / 60)
    assert asked == [1, 3, 7, 15, 31, 47]


def test_there_is_one_warning_an_absence_and_a_word_at_the_return(
    tmp_path: Path, fake: FakeRun, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "medseg")
    clock = Clock()
    tracker = _tracker(tmp_path, clock, uri="http://anna:secret@127.0.0.1:1")
    for fault in (OSError("Connection refused"), None, OSError("Read timed out")):
        fake.fault = fault
        for minute in range(60):
            clock.now += 60.0
            tracker.log_metrics({"loss": 1.0}, minute)
    assert [(record.levelname, record.message.partition(".")[0]) for record in caplog.records] == [
        ("WARNING", "MLflow at http://127"),
        ("INFO", "MLflow is back; what was noted meanwhile is sent"),
        ("WARNING", "MLflow at http://127"),
    ]
    assert "secret" not in caplog.text
    assert "no answer in time" in caplog.records[2].message


def test_values_arrive_once_in_order_whatever_happened(tmp_path: Path, fake: FakeRun) -> None:
    clock = Clock()
    tracker = _tracker(tmp_path, clock)
    for step in range(3000):
        fake.fault = OSError("away") if step % 700 > 300 else None
        clock.now += 5.0
        tracker.log_metrics({"loss": float(step)}, step)
    fake.fault = None
    tracker.finish("FINISHED")
    assert [point.step for point in fake.points] == list(range(3000))
    assert fake.status == "FINISHED"


def test_parameters_go_in_parts(tmp_path: Path, fake: FakeRun) -> None:
    _tracker(tmp_path, Clock(), params={f"p{n}": n for n in range(250)})
    assert max(len(part) for part in fake.pairs) <= 100
    assert {key: value for part in fake.pairs for key, value in part.items()} == {f"p{n}": str(n) for n in range(250)}


def test_what_mlflow_refuses_does_not_hold_up_the_rest(
    tmp_path: Path, fake: FakeRun, caplog: pytest.LogCaptureFixture
) -> None:
    tracker = _tracker(tmp_path, Clock())
    fake.fault = RefusedError("the run is deleted")
    for step in range(5):
        tracker.log_metrics({"loss": 1.0}, step)
        tracker.flush()
    fake.fault = None
    tracker.log_metrics({"loss": 1.0}, 5)
    tracker.flush()
    assert [point.step for point in fake.points] == [5]
    assert [record.message for record in caplog.records] == [
        "MLflow refused a part of what the run told it (the run is deleted)."
    ]


def test_a_run_ends_though_mlflow_never_came(tmp_path: Path, fake: FakeRun, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    fake.fault = OSError("Connection refused")
    tracker = _tracker(tmp_path, clock)
    tracker.log_metrics({"loss": 1.0, "dice": float("nan")}, 0)
    tracker.log_artifacts([tmp_path])
    tracker.finish("FAILED", patience_s=10.0)
    tracker.finish("FAILED")
    assert clock.now <= 10.0
    assert "1 value not sent, and the run is not marked FAILED there" in caplog.records[-1].message


def test_files_that_mlflow_does_not_take_leave_the_run_finished(
    tmp_path: Path, fake: FakeRun, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    tracker = _tracker(tmp_path, clock)

    def upload(path: Path) -> None:
        raise OSError("no space on the server")

    fake.upload = upload  # type: ignore[method-assign]  # this server takes numbers and no files
    for _ in range(3):
        tracker.log_artifacts([tmp_path])
    tracker.log_metrics({"loss": 1.0}, 0)
    tracker.finish("FINISHED")
    assert fake.status == "FINISHED"
    assert len(fake.points) == 1
    assert [record.message.partition("(")[0] for record in caplog.records] == [
        f"MLflow did not take '{tmp_path}' ",
        "MLflow did not take 3 files ",
    ]


def test_files_handed_over_while_mlflow_is_away_arrive_at_the_end(tmp_path: Path, fake: FakeRun) -> None:
    clock = Clock()
    fake.fault = OSError("away")
    tracker = _tracker(tmp_path, clock)
    (tmp_path / "curves.png").write_bytes(b"")
    tracker.log_artifacts([tmp_path / "curves.png", tmp_path / "absent"])
    fake.fault = None
    tracker.finish("FINISHED")
    assert fake.files == ["curves.png"]


def test_a_wrong_address_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no longer keeps runs in plain files"):
        _start(Tracker(), tmp_path, uri="./mlruns")


def test_the_silent_tracker_can_do_all_that_the_real_one_can(tmp_path: Path) -> None:
    for tracker in (NoTracker(), Tracker()):
        tracking: Tracking = tracker
        tracking.log_metrics({"loss": 1.0}, 0)
        tracking.log_artifacts([tmp_path])
        tracking.flush()
        tracking.finish("FINISHED")
        assert tracking.run_id is None
    NoTracker().start(uri="anything")


# With a real database. Making one takes seconds, so that it is made once and copied.


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
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
    ahead = Clock()
    tracker = _start(Tracker(clock=lambda: time.monotonic() + ahead.now), tmp_path, uri=database)
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
    ahead.now = 120.0
    tracker.flush()
    assert len(_client(database).get_metric_history(tracker.run_id, "loss")) == 20
    tracker.finish("FINISHED")
    assert len(caplog.records) == 1


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
