"""Models that are run and then scored on what they have not seen."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tiny


def test_a_run_is_evaluated_on_what_it_has_not_seen_and_mlflow_gets_the_numbers(
    tiny_run: Path, tiny_cohort: Path, tmp_path: Path
) -> None:
    from mlflow.tracking import MlflowClient

    run_folder = Path(shutil.copytree(tiny_run.parents[1], tmp_path / "runs")) / tiny_run.relative_to(
        tiny_run.parents[1]
    )
    answer = tiny.call("evaluate", "--bundle", run_folder, "--data", tiny_cohort, "--output", tmp_path / "out")
    assert answer.code == 0, answer.err
    assert "6 of 8 studies were trained on or chosen by; they are left out." in answer.out
    found = json.loads((tmp_path / "out" / "summary.json").read_text())
    dice = found["labels"]["anterior"]["dice"]
    assert dice["n"] == 2
    with (tiny_run / "holdout.csv").open(newline="") as stream:  # what the training itself measured
        ours = [float(row["anterior"]) for row in csv.DictReader(stream)]
    assert dice["mean"] == pytest.approx(np.mean(ours), abs=1e-5)

    client = MlflowClient(f"sqlite:///{tmp_path / 'runs' / 'mlflow.db'}")
    run = client.get_run(json.loads((tiny_run / "run.json").read_text())["mlflow_run_id"])
    assert run.data.metrics["eval/anterior/dice"] == pytest.approx(dice["mean"])
    assert run.data.metrics["eval/anterior/dice/lo"] == pytest.approx(dice["ci95"][0])
    assert {"report.html", "summary.json"} <= {file.path for file in client.list_artifacts(run.info.run_id)}
    assert run.info.status == "FINISHED"


def test_a_run_is_not_scored_on_what_it_was_trained_on_whoever_made_the_maps(
    tiny_run: Path, tiny_cohort: Path, tmp_path: Path
) -> None:
    words = ["--bundle", tiny_run, "--prediction", tiny_cohort / "labelsTr", "--reference", tiny_cohort / "labelsTr"]
    answer = tiny.call("evaluate", *words, "--output", tmp_path / "out", "--no-tracking", "--no-report")
    assert answer.code == 0, answer.err
    assert "6 of 8 studies were trained on" in answer.out
    assert "Not evaluated" not in answer.out
    found = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert found["labels"]["anterior"]["dice"]["n"] == 2
    assert found["labels"]["anterior"]["dice"]["mean"] == 1.0


def test_the_card_of_a_bundle_takes_the_results(tiny_run: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(tiny_run / "bundle", tmp_path / "bundle"))
    words = ["--bundle", bundle, "--data", tiny_cohort, "--output", tmp_path / "out", "--update-bundle"]
    assert tiny.call("evaluate", *words, "--no-tracking", "--no-report").code == 0
    metrics = json.loads((bundle / "configs" / "metadata.json").read_text())["eval_metrics"]
    found = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert metrics["anterior"]["dice"] == {
        key: found["labels"]["anterior"]["dice"][key] for key in ("mean", "ci95", "n", "failed")
    }
    assert tiny.call("check", "--bundle", bundle).code == 0
