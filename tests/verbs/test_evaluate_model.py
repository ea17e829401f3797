"""Models that are run and then scored on what they have not seen."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tiny

from medseg.bundle.read import read_bundle
from medseg.bundle.split_file import SPLIT


@pytest.fixture
def copied_run(tiny_run: Path, tmp_path: Path) -> Path:
    """A finished and tracked run of its own."""
    runs = tiny_run.parents[1]
    return Path(shutil.copytree(runs, tmp_path / "runs")) / tiny_run.relative_to(runs)


def test_a_run_is_evaluated_on_what_it_has_not_seen_and_mlflow_gets_the_numbers(
    copied_run: Path, tiny_cohort: Path, tmp_path: Path
) -> None:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{tmp_path / 'runs' / 'mlflow.db'}")
    run_id = json.loads((copied_run / "run.json").read_text())["mlflow_run_id"]
    before = client.get_run(run_id).info
    answer = tiny.call("evaluate", "--bundle", copied_run, "--data", tiny_cohort, "--output", tmp_path / "out")
    assert answer.code == 0, answer.err
    assert "6 of 8 studies were trained on or chosen by; they are left out." in answer.out
    found = json.loads((tmp_path / "out" / "summary.json").read_text())
    dice = found["labels"]["anterior"]["dice"]
    assert dice["n"] == 2
    with (copied_run / "holdout.csv").open(newline="") as stream:  # what the training itself measured
        ours = [float(row["anterior"]) for row in csv.DictReader(stream)]
    assert dice["mean"] == pytest.approx(np.mean(ours), abs=1e-5)

    run = client.get_run(run_id)
    assert run.data.metrics["eval/anterior/dice"] == pytest.approx(dice["mean"])
    assert "eval/anterior/dice/lo" not in run.data.metrics  # two patients have no interval
    assert {"report.html", "summary.json"} <= {file.path for file in client.list_artifacts(run.info.run_id)}
    assert (run.info.status, run.info.end_time) == (before.status, before.end_time)


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


@pytest.fixture
def alone(tiny_run: Path, tmp_path: Path) -> Path:
    """The bundle of a run, away from it, that says itself what its weights saw."""
    bundle = Path(shutil.copytree(tiny_run / "bundle", tmp_path / "alone"))
    (bundle / SPLIT).write_text(json.dumps(json.loads((tiny_run / "run.json").read_text())["split"]))
    return bundle


def test_a_bundle_that_says_what_it_saw_is_evaluated_on_the_rest(
    alone: Path, tiny_cohort: Path, tmp_path: Path
) -> None:
    words = ["--bundle", alone, "--data", tiny_cohort, "--output", tmp_path / "out", "--no-report"]
    answer = tiny.call("evaluate", *words)
    assert answer.code == 0, answer.err
    assert "6 of 8 studies were trained on or chosen by; they are left out." in answer.out
    assert "not known what" not in answer.out


def test_a_bundle_that_only_says_the_labels_leaves_out_none_of_another_s_maps(
    alone: Path, tiny_cohort: Path, tmp_path: Path
) -> None:
    """As for the maps of a cross-validation: each was made by the fold that had not seen the study."""
    words = ["--bundle", alone, "--prediction", tiny_cohort / "labelsTr", "--reference", tiny_cohort / "labelsTr"]
    answer = tiny.call("evaluate", *words, "--output", tmp_path / "out", "--no-report")
    assert answer.code == 0, answer.err
    assert "left out" not in answer.out
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["labels"]["anterior"]["dice"]["n"] == 8


def test_the_card_of_a_bundle_takes_the_results_and_the_bundle_stays_the_same_model(
    copied_run: Path, tiny_cohort: Path, tmp_path: Path
) -> None:
    bundle = copied_run / "bundle"  # of a run, so that what it has seen is left out
    words = ["--bundle", bundle, "--data", tiny_cohort, "--output", tmp_path / "out", "--no-tracking", "--no-report"]
    before = read_bundle(bundle).digest
    answer = tiny.call("evaluate", *words, "--update-bundle")
    assert answer.code == 0, answer.err
    assert "6 of 8 studies were trained on" in answer.out
    metrics = json.loads((bundle / "configs" / "metadata.json").read_text())["eval_metrics"]
    found = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert metrics["anterior"]["dice"] == {
        key: found["labels"]["anterior"]["dice"][key] for key in ("mean", "ci95", "n", "failed")
    }
    assert found["bundle_digest"] == before == read_bundle(bundle).digest
    assert tiny.call("check", "--bundle", bundle).code == 0


def test_maps_of_unknown_origin_do_not_reach_the_card(copied_run: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    maps = tiny_cohort / "labelsTr"
    words = ["--bundle", copied_run, "--prediction", maps, "--reference", maps, "--output", tmp_path / "out"]
    answer = tiny.call("evaluate", *words, "--update-bundle")
    assert answer.code == 2
    assert "nothing says that bundle 'hippocampus_unet3d' made these predictions" in answer.err
    assert not (tmp_path / "out").exists()


def test_predictions_that_an_inference_says_are_of_this_model_reach_the_card(
    copied_run: Path, tiny_cohort: Path, tmp_path: Path
) -> None:
    inferred = ["--bundle", copied_run, "--input", tiny_cohort / "imagesTr", "--output", tmp_path / "maps"]
    assert tiny.call("infer", *inferred).code == 0
    words = ["--bundle", copied_run, "--prediction", tmp_path / "maps", "--reference", tiny_cohort / "labelsTr"]
    answer = tiny.call(
        "evaluate", *words, "--output", tmp_path / "out", "--no-report", "--no-tracking", "--update-bundle"
    )
    assert answer.code == 0, answer.err
    metrics = json.loads((copied_run / "bundle" / "configs" / "metadata.json").read_text())["eval_metrics"]
    assert metrics["anterior"]["dice"]["n"] == 2


def test_a_run_whose_record_is_damaged_is_not_taken_for_one_that_has_seen_nothing(
    copied_run: Path, tiny_cohort: Path, tmp_path: Path
) -> None:
    (copied_run / "run.json").write_text("{")
    answer = tiny.call("evaluate", "--bundle", copied_run, "--data", tiny_cohort, "--output", tmp_path / "out")
    assert answer.code == 1
    assert "run.json" in answer.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "words", [("--min", "dize.anterior=1"), ("--tolerance", "x=1"), ("--against", "none"), ("--strata", "none.csv")]
)
def test_options_are_checked_before_the_model_runs(
    words: tuple[str, str], copied_run: Path, tiny_cohort: Path, tmp_path: Path
) -> None:
    command = ["--bundle", copied_run, "--data", tiny_cohort, "--output", tmp_path / "out"]
    assert tiny.call("evaluate", *command, *words).code in (1, 2)
    assert not (tmp_path / "out").exists()
