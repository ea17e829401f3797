"""The tracker's patience with an MLflow that is away."""

import logging
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


def test_a_run_that_is_a_part_of_another_says_of_which(tmp_path: Path, fake: FakeRun) -> None:
    _tracker(tmp_path, Clock(), tags={"bundle": "b"}, parent_id="whole")
    assert {"bundle": "b", "mlflow.parentRunId": "whole"} in fake.pairs
