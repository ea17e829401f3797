"""`medseg train --folds` and `--fold all`: every patient held out once, or no one."""

import csv
import json
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import tiny
import yaml
from run_facts import assert_same_end, record, rows, wait

from medseg.core.errors import OutputError

FOLDS = 3
LENGTH = ("--epochs", 1, "--seed", 5, "--workers", 0)
Whole = tuple[Path, tiny.Answer]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path, tiny_cohort: Path) -> Whole:
    """A finished cross-validation of three folds, tracked, and what the command said; do not write into it."""
    output = tmp_path_factory.mktemp("runs")
    words = ("--bundle", tiny_bundle, "--data", tiny_cohort, "--output", output, "--name", "cv", "--folds", FOLDS)
    answer = tiny.call("train", *words, *LENGTH, "--json")
    assert answer.code == 0, answer.err
    return output / "hippocampus_unet3d" / "cv", answer


def copied(whole: Whole, folder: Path, **record_of_whole: Any) -> Path:
    """A copy to go on with, which tracks nothing."""
    root = Path(shutil.copytree(whole[0], folder / "cv"))
    for path in [root / "run.json", *root.glob("fold*/run.json")]:
        found = json.loads(path.read_text())
        found["request"]["tracking"] = False
        path.write_text(json.dumps(found | (record_of_whole if path.parent == root else {})))
    return root


@pytest.fixture
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures take most of the time of a tiny training, and other tests look at them."""
    for name in ("holdout.draw_overlay", "closing.draw_curves", "evaluation.write_evaluation_report"):
        monkeypatch.setattr(f"medseg.steps.{name}", lambda *_: None)
    monkeypatch.setattr("medseg.steps.evaluation.draw_gallery", lambda *_: ())


def per_study(root: Path) -> list[dict[str, str]]:
    with (root / "evaluation" / "per_study.csv").open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


# What it leaves and says


def test_every_study_is_segmented_once_by_the_fold_that_held_it_out(whole: Whole) -> None:
    root = whole[0]
    held_out = {study: n for n in range(FOLDS) for study in record(root / f"fold{n}")["split"]["holdout"]}
    told = record(root / "predictions")["studies"]
    assert {one["study"]: one["fold"] for one in told} == {study: f"fold{n}" for study, n in held_out.items()}
    assert len(told) == len(held_out) == tiny.STUDIES
    assert tiny.files_below(root / "predictions") == {"run.json", *(f"{study}.nii.gz" for study in held_out)}


def test_every_study_is_scored_once_with_intervals_over_all(whole: Whole) -> None:
    root = whole[0]
    scored = [(row["study"], row["label"]) for row in per_study(root)]
    assert len(set(scored)) == len(scored) == 2 * tiny.STUDIES
    summary = record(root)["evaluation"]["anterior"]
    assert summary.keys() == {"dice", "hd95_mm", "nsd"}
    assert summary["dice"]["n"] == tiny.STUDIES
    assert summary["dice"]["low"] <= summary["dice"]["mean"] <= summary["dice"]["high"]
    assert {"report.html", "summary.json", "per_study.csv"} <= tiny.files_below(root / "evaluation")


def test_the_dice_of_all_is_that_of_the_folds_study_by_study(whole: Whole) -> None:
    root, of_folds = whole[0], dict[tuple[str, str], float]()
    for path in root.glob("fold*/holdout.csv"):
        with path.open(encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                of_folds |= {(row["study"], name): float(row[name]) for name in ("anterior", "posterior")}
    together = {(row["study"], row["label"]): float(row["dice"]) for row in per_study(root)}
    assert together == pytest.approx(of_folds, abs=1e-4)


def test_the_record_of_the_whole_lists_its_folds_and_has_seen_everyone(whole: Whole) -> None:
    found = record(whole[0])
    assert (found["verb"], found["outcome"], found["budget_min"]) == ("train", "finished", None)
    assert [(one["name"], one["outcome"]) for one in found["folds"]] == [(f"fold{n}", "finished") for n in range(FOLDS)]
    assert found["folds"][1]["holdout"] == record(whole[0] / "fold1")["holdout"]
    assert len(found["split"]["train"]) == tiny.STUDIES
    recipe = yaml.safe_load((whole[0] / "config.yaml").read_text())
    assert recipe["split"]["folds"] == FOLDS


def test_the_lines_end_with_one_table_and_json_has_its_means(whole: Whole) -> None:
    root, answer = whole
    assert [line for line in answer.out.splitlines() if line.startswith("Fold ")] == [
        f"Fold {n} of 3" for n in range(3)
    ]
    assert "8 studies; anterior, posterior; policy 'default'" in answer.out
    means = {name: metrics["dice"]["mean"] for name, metrics in record(root)["evaluation"].items()}
    assert json.loads(answer.last_line) == {"run": str(root), "outcome": "finished", "holdout_dice": means}


def test_mlflow_has_one_run_for_the_whole_and_one_below_it_for_each_fold(whole: Whole) -> None:
    from mlflow.tracking import MlflowClient

    root = whole[0]
    client = MlflowClient(f"sqlite:///{root.parents[1] / 'mlflow.db'}")
    runs = client.search_runs([client.get_experiment_by_name("hippocampus_unet3d").experiment_id])
    by_name = {run.info.run_name: run for run in runs}
    assert by_name.keys() == {"cv", "fold0", "fold1", "fold2"}
    parent = by_name.pop("cv")
    assert {run.data.tags["mlflow.parentRunId"] for run in by_name.values()} == {parent.info.run_id}
    assert "mlflow.parentRunId" not in parent.data.tags
    assert {run.info.status for run in runs} == {"FINISHED"}
    dice = record(root)["evaluation"]["anterior"]["dice"]
    told = [parent.data.metrics[f"eval/anterior/dice{end}"] for end in ("", "/lo", "/hi")]
    assert told == pytest.approx([dice["mean"], dice["low"], dice["high"]])
    assert {"eval/posterior/hd95_mm/hi", "eval/posterior/nsd/lo"} <= parent.data.metrics.keys()
    assert "report.html" in {item.path for item in client.list_artifacts(parent.info.run_id)}


@pytest.mark.usefixtures("_no_pictures")
def test_a_fold_is_what_it_is_when_trained_alone(
    whole: Whole, tiny_bundle: Path, tiny_cohort: Path, tmp_path: Path
) -> None:
    words = ("--bundle", tiny_bundle, "--data", tiny_cohort, "--output", tmp_path, "--name", "alone", "--no-tracking")
    assert tiny.call("train", *words, *LENGTH, "--fold", 1, "--set", f"split.folds={FOLDS}").code == 0
    assert_same_end(whole[0] / "fold1", tmp_path / "hippocampus_unet3d" / "alone")


# Going on


@pytest.mark.usefixtures("_no_pictures")
def test_what_is_finished_is_not_trained_again(whole: Whole, tmp_path: Path) -> None:
    root = copied(whole, tmp_path, outcome="interrupted", evaluation=None)
    for rest in ("fold2", "evaluation", "predictions"):
        shutil.rmtree(root / rest)
    (root / "fold2").mkdir()
    (root / "fold2" / "config.yaml").write_text("")  # as far as it had come
    before = {path: path.stat().st_mtime_ns for path in root.glob("fold[01]/last.pt")}
    answer = tiny.call("train", "--resume", root)
    assert answer.code == 0, answer.err
    assert answer.out.count("is trained already") == len(before) == 2
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert_same_end(root / "fold2", whole[0] / "fold2")
    assert per_study(root) == per_study(whole[0])
    assert record(root)["evaluation"] == record(whole[0])["evaluation"]
    assert record(root)["bundle"] == record(whole[0])["bundle"]
    assert record(root)["earlier"][0]["outcome"] == "interrupted"


@pytest.mark.usefixtures("_no_pictures")
def test_a_stop_after_its_folds_have_chosen_the_postprocessing_is_gone_on_with(whole: Whole, tmp_path: Path) -> None:
    root = copied(whole, tmp_path, outcome="failed", evaluation=None)
    for fold in root.glob("fold*/run.json"):
        found = json.loads(fold.read_text())
        everyone = [study for part in ("train", "validation", "holdout") for study in found["split"][part]]
        fold.write_text(json.dumps(found | {"split": found["split"] | {"chose_postprocessing": everyone}}))
    answer = tiny.call("train", "--resume", root)
    assert answer.code == 0, answer.err
    assert record(root)["evaluation"] == record(whole[0])["evaluation"]


@pytest.mark.usefixtures("_no_pictures")
def test_a_disk_that_is_full_when_bundles_are_edited_leaves_it_unfinished(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OutputError("cannot write 'inference.yaml': no space left on device")

    root = copied(whole, tmp_path, outcome="interrupted", evaluation=None)
    monkeypatch.setattr("medseg.steps.folds.choose_for_folds", full)
    answer = tiny.call("train", "--resume", root)
    assert answer.code == 1
    assert "no space left" in answer.err
    assert record(root)["outcome"] == "failed"


def test_a_finished_cross_validation_has_nothing_left_to_do(whole: Whole) -> None:
    answer = tiny.call("train", "--resume", whole[0])
    assert (answer.code, answer.last_line) == (0, str(whole[0]))
    assert "is finished; nothing is left to do" in answer.out


def test_a_signal_between_two_trainings_says_how_to_go_on(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    root = copied(whole, tmp_path, outcome="interrupted")
    monkeypatch.setattr("medseg.steps.folds.segment_fold", interrupt)
    answer = tiny.call("train", "--resume", root)
    assert answer.code == 130, answer.err
    assert f"--resume {root}" in answer.out.splitlines()[-1]
    assert (record(root)["outcome"], record(root)["reason"]) == ("interrupted", "stopped by a signal")


def test_data_that_changed_is_not_mixed_into_it(whole: Whole, tmp_path: Path) -> None:
    root = copied(whole, tmp_path, outcome="interrupted", data_digest="0" * 64)
    answer = tiny.call("train", "--resume", root)
    assert answer.code == 1
    assert "changed since run" in answer.err


@pytest.mark.slow
def test_a_signal_in_a_fold_saves_it_and_the_whole_goes_on_from_there(
    tiny_bundle: Path, tiny_cohort: Path, tmp_path: Path
) -> None:
    words = ("--bundle", tiny_bundle, "--data", tiny_cohort, "--output", tmp_path, "--name", "it", "--no-tracking")
    length = ("--epochs", 30, "--seed", 5, "--workers", 0)
    root = tmp_path / "hippocampus_unet3d" / "it"
    process = tiny.start("train", *words, *length, "--folds", FOLDS)
    wait(lambda: len(rows(root / "fold1")) >= 1, process)
    process.send_signal(signal.SIGINT)
    answer = tiny.finish(process)
    assert answer.code == 130, answer.err
    assert f"Go on with this fold and the rest: python -m medseg.train --resume {root}" in answer.out
    assert [one["outcome"] for one in record(root)["folds"]] == ["finished", "interrupted", None]
    assert record(root)["outcome"] == "interrupted"
    assert tiny.call("train", "--resume", root).code == 0
    alone = ("--fold", 1, "--set", f"split.folds={FOLDS}", "--name", "alone")
    assert tiny.call("train", *words[:6], "--no-tracking", *length, *alone).code == 0
    assert_same_end(root / "fold1", root.parent / "alone")


# Failing, and its length


def test_a_fold_that_fails_marks_the_whole_and_ends_it(tiny_bundle: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    words = ("--bundle", tiny_bundle, "--data", tiny_cohort, "--output", tmp_path, "--name", "it", "--no-tracking")
    diverging = ("--set", "optimizer.lr=1e30", "--set", "schedule.warmup=0", "--set", "sampling.patches_per_study=4")
    answer = tiny.call("train", *words, *LENGTH, "--folds", FOLDS, *diverging)
    assert answer.code == 1
    assert "The loss became nan" in answer.err
    found = record(tmp_path / "hippocampus_unet3d" / "it")
    assert (found["outcome"], [one["outcome"] for one in found["folds"]]) == ("failed", ["failed", None, None])


@pytest.mark.slow
def test_a_budget_is_that_of_all_folds_together(tiny_bundle: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    words = ("--bundle", tiny_bundle, "--data", tiny_cohort, "--output", tmp_path, "--name", "it", "--no-tracking")
    began_s = time.monotonic()
    answer = tiny.call("train", *words, "--folds", FOLDS, "--budget", "75s", "--workers", 0)
    assert answer.code == 0, answer.err
    assert 45 < time.monotonic() - began_s < 80  # 10 s are kept back for the end of each training, 10 s for the report
    root = Path(answer.last_line)
    whole, *shares = (
        yaml.safe_load((run / "config.yaml").read_text())["length"]["budget_min"] * 60
        for run in (root, *(root / f"fold{number}" for number in range(FOLDS)))
    )
    assert whole == pytest.approx(75.0)
    assert all(10 < share < 40 for share in shares)  # what one does not need of its end goes to the later ones


def test_a_dry_run_of_all_folds_says_how_much_they_are(tiny_bundle: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    words = ("--bundle", tiny_bundle, "--data", tiny_cohort, "--output", tmp_path, "--dry-run")
    answer = tiny.call("train", *words, "--folds")
    assert answer.code == 0, answer.err
    assert answer.last_line.startswith("--folds trains 5 times as much")
    assert not tiny.files_below(tmp_path)


def test_the_number_of_folds_is_a_value_of_the_recipe(tiny_bundle: Path) -> None:
    for words, folds in (((), 5), ((FOLDS,), FOLDS)):
        answer = tiny.call("train", "--bundle", tiny_bundle, "--print-config", "--folds", *words)
        assert yaml.safe_load(answer.out)["split"]["folds"] == folds


# No one held out


@pytest.mark.usefixtures("_no_pictures")
def test_a_run_of_everyone_says_that_nothing_was_measured(tiny_bundle: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    words = ("--bundle", tiny_bundle, "--data", tiny_cohort, "--output", tmp_path, "--no-tracking", *LENGTH)
    answer = tiny.call("train", *words, "--fold", "all", "--name", "everyone")
    assert answer.code == 0, answer.err
    assert "split     7 train, 1 validate, none held out, so nothing will be measured (fold all, seed 5)" in answer.out
    assert "No patient was held out, so nothing says how good this model is." in answer.out
    run = Path(answer.last_line)
    found = record(run)
    assert (found["split"]["fold"], found["split"]["holdout"], found["holdout"]) == ("all", [], None)
    assert "nothing says how good" in found["note"]
    assert not (run / "holdout.csv").exists()
    assert (run / "bundle" / "models" / "model.pt").is_file()
    words = ("--bundle", run, "--data", tiny_cohort, "--output", tmp_path / "evaluation")
    refused = tiny.call("evaluate", *words)
    assert refused.code == 1
    assert "trained with --fold all, which holds none out" in refused.err
