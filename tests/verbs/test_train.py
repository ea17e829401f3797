"""`medseg train` from the command line to what it leaves behind."""

import json
import shutil
import time
from pathlib import Path

import nibabel
import numpy as np
import pytest
import tiny
import torch
import yaml
from run_facts import assert_same_end, record, rows

PLAIN = ("--workers", 0, "--no-tracking")


# What a finished run leaves and says


def test_a_run_leaves_every_file_of_the_plan(tiny_run: Path) -> None:
    files = tiny.files_below(tiny_run)
    holdout = record(tiny_run)["split"]["holdout"]
    assert {"run.json", "config.yaml", "metrics.csv", "log.txt", "last.pt", "best.pt", "curves.png"} <= files
    assert {f"overlays/{study}.png" for study in holdout} | {"holdout.csv"} <= files
    assert {f"bundle/{name}" for name in ("LICENSE", "models/model.pt", "configs/inference.yaml")} <= files
    assert {"bundle/configs/metadata.json", "bundle/configs/train.yaml", "bundle/docs/README.md"} <= files
    assert not [name for name in files if ".tmp-" in name]
    assert len(rows(tiny_run)) == 2


def test_the_record_says_what_was_run_with_what_and_how_it_ended(tiny_run: Path, tiny_cohort: Path) -> None:
    found = record(tiny_run)
    assert found["outcome"] == "finished"
    assert found["seed"] == 5
    assert found["device"] in ("cpu", "cuda:0")
    assert found["precision"] == "fp32"
    assert found["data"] == str(tiny_cohort)
    assert found["seconds"] > 0
    assert {"python", "torch", "monai", "medseg", "mlflow"} <= found["versions"].keys()
    assert len(found["data_digest"]) == len(found["bundle"]["digest"]) == 64
    assert "commit" in found
    assert found["argv"]
    parts = [found["split"][part] for part in ("train", "validation", "holdout")]
    assert [len(part) for part in parts] == [5, 1, 2]
    assert len({study for part in parts for study in part}) == tiny.STUDIES
    assert found["holdout"].keys() == {"anterior", "posterior"}


def test_the_lines_say_data_output_waiting_and_the_run_last(
    tiny_training: tuple[Path, tiny.Answer], tiny_cohort: Path
) -> None:
    run, answer = tiny_training
    lines = answer.out.splitlines()
    assert lines[0] == f"data      Medical Segmentation Decathlon folder: '{tiny_cohort}'"
    assert "studies   8, of 8 patients" in lines
    assert f"Output: {run}" in lines
    assert any(line.startswith("data wait: ") and line.endswith("% of the training time") for line in lines)
    assert lines[-1] == str(run)


def test_the_lines_say_who_trains_validates_and_is_held_out(tiny_training: tuple[Path, tiny.Answer]) -> None:
    assert "split     5 train, 1 validate, 2 held out (fold 0 of 5, seed 5)" in tiny_training[1].out.splitlines()


def test_the_resolved_recipe_can_be_given_again(tiny_bundle: Path, tiny_run: Path, tmp_path: Path) -> None:
    answer = tiny.call("train", "--bundle", tiny_bundle, "--config", tiny_run / "config.yaml", "--print-config")
    assert answer.code == 0, answer.err
    assert yaml.safe_load(answer.out) == yaml.safe_load((tiny_run / "config.yaml").read_text())


def test_json_is_one_line_for_machines_and_the_run_can_be_trained_again(
    tiny_run: Path, tiny_cohort: Path, tmp_path: Path
) -> None:
    words = ("--bundle", tiny_run, "--data", tiny_cohort, "--output", tmp_path, "--epochs", 1, *PLAIN)
    answer = tiny.call("train", *words, "--json", "--name", "again")
    assert answer.code == 0, answer.err
    summary = json.loads(answer.last_line)
    assert summary["run"] == str(tmp_path / "hippocampus_unet3d" / "again")
    assert summary["outcome"] == "finished"
    assert summary["holdout_dice"].keys() == {"anterior", "posterior"}
    assert not list(tmp_path.rglob("mlflow.db"))


def test_one_seed_gives_one_run(tiny_bundle: Path, tiny_run: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    words = ("--bundle", tiny_bundle, "--data", tiny_cohort, "--output", tmp_path, "--name", "same")
    assert tiny.call("train", *words, "--epochs", 2, "--seed", 5, *PLAIN).code == 0
    assert_same_end(tiny_run, tmp_path / "hippocampus_unet3d" / "same")


def test_without_data_it_trains_on_phantoms_and_says_so(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medseg.steps.data.PHANTOM_STUDIES", 4)
    answer = tiny.call("train", "--bundle", tiny_bundle, "--output", tmp_path, "--epochs", 1, *PLAIN)
    assert answer.code == 0, answer.err
    assert answer.out.splitlines()[0] == (
        "No --data given: training on a synthetic phantom cohort; the result knows nothing about patients"
    )
    assert record(Path(answer.last_line))["phantom"]


def test_a_dry_run_says_time_and_memory_and_writes_nothing(
    tiny_bundle: Path, tiny_cohort: Path, tmp_path: Path
) -> None:
    answer = tiny.call("train", "--bundle", tiny_bundle, "--data", tiny_cohort, "--output", tmp_path, "--dry-run")
    assert answer.code == 0, answer.err
    assert "a step takes" in answer.last_line
    assert "GiB" in answer.last_line
    assert not tiny.files_below(tmp_path)


def test_a_study_without_a_labelled_voxel_is_trained_on_and_named_in_the_log(
    tiny_bundle: Path, tiny_cohort: Path, tiny_run: Path, tmp_path: Path
) -> None:
    study = record(tiny_run)["split"]["train"][0]
    data = Path(shutil.copytree(tiny_cohort, tmp_path / "data"))
    label = nibabel.load(data / "labelsTr" / f"{study}.nii.gz")
    nibabel.save(nibabel.Nifti1Image(np.zeros(label.shape, np.uint8), label.affine), label.get_filename())
    words = ("--bundle", tiny_bundle, "--data", data, "--output", tmp_path, "--epochs", 1, "--seed", 5, *PLAIN)
    answer = tiny.call("train", *words)
    assert answer.code == 0, answer.err
    log = (Path(answer.last_line) / "log.txt").read_text()
    assert f"study {study} has no labelled voxel" in log


# Length


def test_a_short_budget_is_kept_and_its_schedule_ends(tiny_bundle: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    words = ("--bundle", tiny_bundle, "--data", tiny_cohort, "--output", tmp_path, "--budget", "20s", *PLAIN)
    began_s = time.monotonic()
    answer = tiny.call("train", *words)
    assert answer.code == 0, answer.err
    assert time.monotonic() - began_s < 22
    run = Path(answer.last_line)
    assert torch.load(run / "last.pt", weights_only=True)["progress"] == 1.0
    recipe = yaml.safe_load((run / "config.yaml").read_text())
    last_lr = float(rows(run)[-1].split(",")[2])
    assert last_lr == pytest.approx(recipe["optimizer"]["lr"] * recipe["schedule"]["final"])


@pytest.mark.slow
def test_a_budget_is_used_up_to_a_tenth(tiny_bundle: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    words = ("--bundle", tiny_bundle, "--data", tiny_cohort, "--output", tmp_path, "--budget", "2m", *PLAIN)
    began_s = time.monotonic()
    assert tiny.call("train", *words).code == 0
    assert time.monotonic() - began_s == pytest.approx(120, rel=0.1)


# Several processes


def test_two_processes_train_one_model(tiny_bundle: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    words = ("--bundle", tiny_bundle, "--data", tiny_cohort, "--output", tmp_path, "--epochs", 2)
    answer = tiny.finish(tiny.start("train", *words, *PLAIN, processes=2))
    assert answer.code == 0, answer.err
    (run,) = (tmp_path / "hippocampus_unet3d").iterdir()
    assert answer.out.count("Output: ") == 1
    assert answer.last_line == str(run)
    found = record(run)
    assert (found["outcome"], found["ranks"]) == ("finished", 2)
    weights = torch.load(run / "bundle" / "models" / "model.pt", weights_only=True)
    assert not [key for key in weights if key.startswith("module.")]
    image = tiny_cohort / "imagesTr" / "phantom_000.nii.gz"
    assert tiny.call("infer", "--bundle", run, "--input", image, "--output", tmp_path / "labels").code == 0
    assert (tmp_path / "labels" / "phantom_000.nii.gz").is_file()


# Tracking


def test_mlflow_holds_parameters_metrics_files_and_status(tiny_run: Path) -> None:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{tiny_run.parents[1] / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("hippocampus_unet3d")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "tiny"
    assert run.data.params["optimizer.lr"]
    assert run.data.params["seed"] == "5"
    assert run.data.params["data_digest"] == record(tiny_run)["data_digest"]
    assert [run.data.params[f"studies_{part}"] for part in ("train", "validation", "holdout")] == ["5", "1", "2"]
    assert run.data.tags["bundle"] == "hippocampus_unet3d"
    assert {"version.torch", "version.monai", "commit"} <= run.data.tags.keys()
    wanted = {"loss", "lr", "dice_anterior", "dice_posterior", "data_wait", "data_wait_total", "holdout_dice_anterior"}
    assert wanted <= run.data.metrics.keys()
    assert [point.step for point in client.get_metric_history(run.info.run_id, "loss")] == [1, 2]
    artifacts = {item.path for item in client.list_artifacts(run.info.run_id)}
    assert {"bundle", "config.yaml", "curves.png", "holdout.csv", "metrics.csv", "overlays"} <= artifacts


@pytest.mark.slow
def test_two_runs_at_once_stay_apart(tiny_bundle: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    from mlflow.tracking import MlflowClient

    words = ("--bundle", tiny_bundle, "--data", tiny_cohort, "--output", tmp_path, "--epochs", 2, "--workers", 0)
    answers = [tiny.finish(process) for process in [tiny.start("train", *words) for _ in range(2)]]
    assert [answer.code for answer in answers] == [0, 0], answers
    folders = {answer.last_line for answer in answers}
    assert len(folders) == 2
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("hippocampus_unet3d")
    runs = client.search_runs([experiment.experiment_id])
    assert {run.info.run_name for run in runs} == {Path(folder).name for folder in folders}
    assert [len(client.get_metric_history(run.info.run_id, "loss")) for run in runs] == [2, 2]


# Failing


def test_a_loss_that_is_no_number_names_the_studies_and_marks_the_run(
    tiny_bundle: Path, tiny_cohort: Path, tmp_path: Path
) -> None:
    from mlflow.tracking import MlflowClient

    words = ("--bundle", tiny_bundle, "--data", tiny_cohort, "--output", tmp_path, "--name", "it", "--epochs", 2)
    answer = tiny.call("train", *words, "--workers", 0, "--set", "optimizer.lr=1e30", "--set", "schedule.warmup=0")
    assert answer.code == 1
    assert "The loss became nan on studies phantom_00" in answer.err
    assert "Traceback" not in answer.err
    found = record(tmp_path / "hippocampus_unet3d" / "it")
    assert found["outcome"] == "failed"
    assert "phantom_00" in found["reason"]
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    (run,) = client.search_runs([client.get_experiment_by_name("hippocampus_unet3d").experiment_id])
    assert run.info.status == "FAILED"
