"""`medseg tune` from the command line to the recipe it leaves behind."""

import json
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny
import yaml
from run_facts import record, wait

from medseg.steps import tuning
from medseg.steps.tuning_trial import Trial

# Two points of these four do not fit the network; one is the bundle's own.
GRID = """
optimizer.lr: {values: [1.2e-2, 1.0e-2]}
sampling.patch: {values: [[16, 24, 16], [15, 24, 16]]}
"""
LINE = "optimizer.lr: {low: 1.0e-4, high: 1.0e-1, log: true}\n"
STUDIES = ("phantom_000", "phantom_001", "phantom_002", "phantom_003")


@pytest.fixture(scope="module")
def searched(
    tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path, tiny_cohort: Path, tiny_run: Path
) -> tuple[Path, tiny.Answer]:
    """A finished search of four trials, tracked, and what the command said; do not write into it."""
    output = tmp_path_factory.mktemp("runs")
    shutil.copy(tiny_run.parents[1] / "mlflow.db", output)  # MLflow takes seconds to make one
    (output / "space.yaml").write_text(GRID)
    words = ("--bundle", tiny_bundle, "--data", tiny_cohort, "--space", output / "space.yaml", "--search", "grid")
    more = ("--output", output, "--name", "grid", "--epochs", 1, "--workers", 0, "--set", "split.validation_share=0.5")
    more += ("--experiment", "search")
    answer = tiny.call("tune", *words, *more)
    assert answer.code == 0, answer.err
    return output / "hippocampus_unet3d" / "grid", answer


def test_the_trials_are_complete_runs_in_the_folder_of_the_search(searched: tuple[Path, tiny.Answer]) -> None:
    run, answer = searched
    assert answer.last_line == str(run)
    assert {path.name for path in run.iterdir()} == {
        *("run.json", "config.yaml", "space.yaml", "trials.csv", "best.yaml", "log.txt"),
        *("trial000", "trial001", "trial002", "trial003"),
    }
    for name in ("trial000", "trial002"):
        assert {"bundle/models/model.pt", "validation.csv", "run.json", "curves.png"} <= tiny.files_below(run / name)
    assert record(run)["outcome"] == "finished"
    assert record(run)["verb"] == "tune"


def test_no_trial_scores_or_shows_the_hold_out(searched: tuple[Path, tiny.Answer]) -> None:
    run, answer = searched
    split = record(run)["split"]
    files = tiny.files_below(run)
    assert not [name for name in files if "holdout" in name or "overlays" in name]
    assert not [study for study in split["holdout"] if study in answer.out]
    assert record(run / "trial000")["holdout"] is None
    scored = [line.split(",")[0] for line in (run / "trial000" / "validation.csv").read_text().splitlines()[1:]]
    assert scored == split["validation"]


def test_the_first_trial_is_the_bundles_own_recipe(searched: tuple[Path, tiny.Answer], tiny_bundle: Path) -> None:
    run, _ = searched
    own = yaml.safe_load((tiny_bundle / "configs" / "train.yaml").read_text())
    tried = yaml.safe_load((run / "trial000" / "config.yaml").read_text())
    assert tried["optimizer"] == own["optimizer"]
    assert tried["sampling"] == own["sampling"]
    assert [trial["values"]["optimizer.lr"] for trial in record(run)["trials"]] == [0.012, 0.012, 0.01, 0.01]


def test_a_score_is_that_of_the_best_epoch(searched: tuple[Path, tiny.Answer]) -> None:
    run, _ = searched
    last = (run / "trial002" / "metrics.csv").read_text().splitlines()
    names = last[0].split(",")
    dice = [float(cell) for name, cell in zip(names, last[1].split(","), strict=True) if name.startswith("dice ")]
    assert record(run)["trials"][2]["dice"] == pytest.approx(sum(dice) / len(dice), abs=1e-5)


def test_a_trial_that_fails_says_why_and_the_search_goes_on(searched: tuple[Path, tiny.Answer]) -> None:
    run, answer = searched
    assert [trial["outcome"] for trial in record(run)["trials"]] == ["finished", "failed", "finished", "failed"]
    assert "Trial 1 failed: sampling.patch [15, 24, 16] does not fit the network" in answer.out
    assert record(run / "trial001")["outcome"] == "failed"


def test_the_best_recipe_is_a_layer_that_says_what_was_measured(
    searched: tuple[Path, tiny.Answer], tiny_bundle: Path
) -> None:
    run, _ = searched
    text = (run / "best.yaml").read_text()
    best = record(run)["trials"][record(run)["best"]]
    assert yaml.safe_load(text) == {
        "split": {"validation_share": 0.5},  # of --set: not the bundle's own
        "sampling": {"patch": [16, 24, 16]},
        "optimizer": {"lr": best["values"]["optimizer.lr"]},
    }
    assert f"validation Dice {best['dice']:.4f} (3 validation patients)" in text
    answer = tiny.call("train", "--bundle", tiny_bundle, "--config", run / "best.yaml", "--print-config")
    assert answer.code == 0, answer.err


def test_the_best_recipe_is_to_be_trained_on_the_split_that_chose_it(searched: tuple[Path, tiny.Answer]) -> None:
    run, answer = searched
    split = record(run)["split"]
    wanted = f"--data DIR --fold {split['fold']} --seed {split['seed']} --config"
    assert wanted in next(line for line in answer.out.splitlines() if line.startswith("Train it:"))
    assert wanted in (run / "best.yaml").read_text()


def test_the_trials_are_children_of_the_search_in_mlflow(searched: tuple[Path, tiny.Answer]) -> None:
    run, _ = searched
    with sqlite3.connect(run.parents[1] / "mlflow.db") as database:
        names = dict(database.execute("select run_uuid, name from runs where name != 'tiny'"))
        parents = dict(database.execute("select run_uuid, value from tags where key = 'mlflow.parentRunId'"))
        status = dict(database.execute("select name, status from runs where name != 'tiny'"))
        scores = dict(database.execute("select step, value from metrics where key = 'dice' order by step"))
    assert {names[child]: names[parent] for child, parent in parents.items()} == {
        f"trial{n:03d}": "grid" for n in range(4)
    }
    assert status == {
        **{"grid": "FINISHED", "trial000": "FINISHED", "trial002": "FINISHED"},
        **{"trial001": "FAILED", "trial003": "FAILED"},
    }
    assert sorted(scores) == [0, 2]


def test_json_names_the_best_and_a_finished_search_is_left_as_it_is(searched: tuple[Path, tiny.Answer]) -> None:
    run, _ = searched
    before = (run / "run.json").read_bytes()
    answer = tiny.call("tune", "--resume", run, "--json")
    assert answer.code == 0, answer.err
    assert "is finished; nothing is left to do" in answer.out
    told = json.loads(answer.last_line)
    assert (told["run"], told["outcome"], told["patients"]) == (str(run), "finished", 3)
    assert told["best"] == record(run)["trials"][record(run)["best"]]
    assert (run / "run.json").read_bytes() == before


# Trials that are made up: a score from the learning rate, in no time


Faked = Callable[..., "list[int]"]


@pytest.fixture
def faked(monkeypatch: pytest.MonkeyPatch) -> Faked:
    """Replaces trainings; gives the list of trials that were made. A number to stop at, or to lose, may be given."""

    def replace(*, stop: int | None = None, lose: tuple[int, ...] = ()) -> list[int]:
        made: list[int] = []

        def run_trial(trial: Trial, _request: object, _bundle: object, root: Path) -> Trial:
            made.append(trial.number)
            if trial.number == stop:
                raise KeyboardInterrupt
            if trial.number in lose:
                return Trial(trial.number, trial.values, "failed", None, 0.1, "The loss became nan")
            dice = 0.5 + trial.values["optimizer.lr"]
            (root / trial.name).mkdir()
            rows = [f"{study},{dice},{dice}" for study in STUDIES]
            (root / trial.name / "validation.csv").write_text("\n".join(["study,anterior,posterior", *rows]) + "\n")
            return Trial(trial.number, trial.values, "finished", dice, 0.1)

        monkeypatch.setattr(tuning, "run_trial", run_trial)
        return made

    return replace


@pytest.fixture
def words(tiny_bundle: Path, tiny_cohort: Path, tmp_path: Path) -> tuple[object, ...]:
    """A search of a learning rate."""
    (tmp_path / "space.yaml").write_text(LINE)
    what = ("--bundle", tiny_bundle, "--data", tiny_cohort, "--space", tmp_path / "space.yaml")
    return *what, "--output", tmp_path / "runs", "--name", "it", "--no-tracking", "--epochs", 1


def values_of(run: Path) -> list[float]:
    return [trial["values"]["optimizer.lr"] for trial in record(run)["trials"]]


def test_an_interrupted_search_goes_on_as_if_it_had_not_stopped(
    faked: Faked, words: tuple[object, ...], tmp_path: Path
) -> None:
    whole, halved = tmp_path / "runs/hippocampus_unet3d/whole", tmp_path / "runs/hippocampus_unet3d/it"
    faked()
    assert tiny.call("tune", *words, "--name", "whole", "--trials", 4).code == 0
    faked(stop=2)
    answer = tiny.call("tune", *words, "--trials", 4)
    assert answer.code == 130
    assert f"Stopped after 2 of 4 trials. Go on with: python -m medseg.tune --resume {halved}" in answer.out
    assert record(halved)["outcome"] == "interrupted"
    made = faked()
    answer = tiny.call("tune", "--resume", halved)
    assert answer.code == 0, answer.err
    assert made == [2, 3]
    assert values_of(halved) == values_of(whole)
    assert record(halved)["best"] == record(whole)["best"]


def test_the_same_seed_tries_the_same_and_another_seed_does_not(
    faked: Faked, words: tuple[object, ...], tmp_path: Path
) -> None:
    faked()
    for name, seed in (("one", 1), ("two", 1), ("three", 2)):
        answer = tiny.call("tune", *words, "--trials", 3, "--name", name, "--seed", seed)
        assert answer.code == 0, answer.err
    root = tmp_path / "runs/hippocampus_unet3d"
    assert values_of(root / "one") == values_of(root / "two")
    assert values_of(root / "one")[1:] != values_of(root / "three")[1:]


def test_without_a_baseline_every_trial_is_of_the_space(
    faked: Faked, words: tuple[object, ...], tmp_path: Path
) -> None:
    faked()
    answer = tiny.call("tune", *words, "--trials", 3, "--no-baseline")
    assert answer.code == 0, answer.err
    assert 0.012 not in values_of(tmp_path / "runs/hippocampus_unet3d/it")
    assert "by how much this is better is not known" in answer.out


def test_where_every_trial_failed_the_reasons_are_told(faked: Faked, words: tuple[object, ...], tmp_path: Path) -> None:
    faked(lose=(0, 1))
    answer = tiny.call("tune", *words, "--trials", 2)
    assert answer.code == 1
    assert "None of the 2 trials came to its end" in answer.err
    assert "Trial 1 failed: The loss became nan" in answer.err
    assert record(tmp_path / "runs/hippocampus_unet3d/it")["outcome"] == "failed"


def test_a_search_on_changed_data_is_not_gone_on_with(
    faked: Faked, words: tuple[object, ...], tiny_cohort: Path, tmp_path: Path
) -> None:
    faked(stop=1)
    data = Path(shutil.copytree(tiny_cohort, tmp_path / "data"))
    assert tiny.call("tune", *words, "--data", data, "--trials", 2).code == 130
    for folder in ("imagesTr", "labelsTr"):
        shutil.copy(data / folder / "phantom_000.nii.gz", data / folder / "phantom_001.nii.gz")
    answer = tiny.call("tune", "--resume", tmp_path / "runs/hippocampus_unet3d/it")
    assert answer.code == 1
    assert "changed since" in answer.err


# Real trainings, stopped or timed


@pytest.mark.slow
def test_a_trial_stopped_in_its_middle_is_finished_on_resume(words: tuple[object, ...], tmp_path: Path) -> None:
    run = tmp_path / "runs/hippocampus_unet3d/it"
    process = tiny.start("tune", *words[:-1], 5, "--trials", 2, "--workers", 0)
    rows = run / "trial001" / "metrics.csv"
    wait(lambda: rows.is_file() and len(rows.read_text().splitlines()) > 2, process)
    process.send_signal(signal.SIGINT)
    answer = tiny.finish(process)
    assert answer.code == 130
    assert answer.out.splitlines()[-1] == str(run)
    assert [trial["outcome"] for trial in record(run)["trials"]] == ["finished", "running"]
    assert record(run / "trial001")["outcome"] == "interrupted"
    answer = tiny.call("tune", "--resume", run)
    assert answer.code == 0, answer.err
    assert [trial["outcome"] for trial in record(run)["trials"]] == ["finished", "finished"]
    assert len(rows.read_text().splitlines()) == 1 + 5
    assert record(run / "trial001")["earlier"][0]["outcome"] == "interrupted"


@pytest.mark.slow
def test_a_budget_is_shared_equally_and_kept(words: tuple[object, ...], tmp_path: Path) -> None:
    began_s = time.monotonic()
    answer = tiny.call("tune", *words[:-2], "--trials", 2, "--workers", 0, "--budget", "40s")
    assert answer.code == 0, answer.err
    assert time.monotonic() - began_s < 44
    trials = record(tmp_path / "runs/hippocampus_unet3d/it")["trials"]
    # Each keeps a few seconds back for its end, which is much of a share this short.
    assert 8 < min(trial["seconds"] for trial in trials) <= max(trial["seconds"] for trial in trials) < 22
