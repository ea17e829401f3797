import json
import logging
from pathlib import Path
from typing import Any

import pytest

from medseg.runs.tracking import Plan, new_run, ready_database
from medseg.steps.evaluation_tracking import Tracked, track_evaluation, tracked_run, values_of
from tests.evaluations import evaluation

EVALUATION = evaluation({f"s{n}": n % 3 for n in range(6)})


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Tracked:
    """A run that ended as failed, in a database of its own."""
    folder = tmp_path_factory.mktemp("mlflow")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    ready_database(uri)
    run = new_run(Plan(uri, folder / "files", "any", "run"))
    run.close("FAILED")
    return Tracked(run.id, uri)


def run_of(tracked: Tracked) -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracked.uri).get_run(tracked.run_id)


def test_each_mean_goes_with_its_bounds() -> None:
    values, dice = values_of(EVALUATION), EVALUATION.summaries["core"]["dice"].whole
    found = [values[f"eval/core/dice{end}"] for end in ("", "/lo", "/hi")]
    assert found == [dice.mean, dice.low, dice.high] == pytest.approx([0.75, dice.low, dice.high])
    assert dice.low < dice.mean < dice.high


def test_the_run_gets_numbers_and_files_and_stays_as_it_ended(tracked: Tracked, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("page")
    before = run_of(tracked).info
    track_evaluation(tracked, EVALUATION, [tmp_path / "report.html", tmp_path / "absent"])
    run, dice = run_of(tracked), EVALUATION.summaries["core"]["dice"].whole
    ends = {"": dice.mean, "/lo": dice.low, "/hi": dice.high}
    assert {end: run.data.metrics[f"eval/core/dice{end}"] for end in ends} == pytest.approx(ends)
    assert run.data.tags["eval.policy_digest"] == EVALUATION.policy.digest
    assert (run.info.status, run.info.end_time) == ("FAILED", before.end_time)
    assert (Path(run.info.artifact_uri.removeprefix("file://")) / "report.html").read_text() == "page"


def test_a_run_that_is_gone_costs_a_warning_and_makes_no_other(
    tracked: Tracked, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="medseg"):
        track_evaluation(Tracked("0" * 32, tracked.uri), EVALUATION, [])
    assert "has no run 000" in caplog.text


def test_an_mlflow_that_is_away_costs_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="medseg"):
        track_evaluation(Tracked("0" * 32, "http://127.0.0.1:9"), EVALUATION, [])
    assert "did not take the numbers" in caplog.text


def test_only_a_tracked_run_is_told(tmp_path: Path) -> None:
    assert tracked_run(None, tracking_uri=None) is None
    run = tmp_path / "runs" / "bundle" / "first"
    run.mkdir(parents=True)
    (run / "run.json").write_text(json.dumps({"mlflow_run_id": None}))
    assert tracked_run(run, tracking_uri=None) is None
    (run / "run.json").write_text(json.dumps({"mlflow_run_id": "1a", "request": {"tracking_uri": "http://x:5000"}}))
    assert tracked_run(run, tracking_uri=None) == Tracked("1a", "http://x:5000")
    assert tracked_run(run, tracking_uri="http://y:1") == Tracked("1a", "http://y:1")


def test_a_run_within_another_is_tracked_where_that_one_is(tmp_path: Path) -> None:
    whole = tmp_path / "runs" / "bundle" / "cv"
    (whole / "fold0").mkdir(parents=True)
    for run, request in ((whole, {}), (whole / "fold0", {"within": str(whole)})):
        (run / "run.json").write_text(json.dumps({"mlflow_run_id": "1a", "request": request}))
        assert tracked_run(run, tracking_uri=None) == Tracked("1a", f"sqlite:///{tmp_path}/runs/mlflow.db")
