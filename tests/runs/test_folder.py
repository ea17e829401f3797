"""Run folders: named by time or by hand, never shared, and refused in plain words."""

import re
from pathlib import Path

import pytest

from medseg.core.errors import FileError, OutputError, UsageError
from medseg.core.files import write_json
from medseg.runs.folder import RunFolder, create_run_folder, find_run, fold_runs


def test_an_unnamed_run_is_named_by_the_time_in_utc(tmp_path: Path) -> None:
    run = create_run_folder(tmp_path / "runs", "brats_unet3d")
    assert run.root.is_dir()
    assert run.root.parent == tmp_path / "runs" / "brats_unet3d"
    assert re.fullmatch(r"\d{8}-\d{6}", run.name)


def test_runs_started_in_one_second_get_folders_of_their_own(tmp_path: Path) -> None:
    runs = [create_run_folder(tmp_path, "b") for _ in range(5)]
    assert len({run.root for run in runs}) == 5


def test_every_file_of_a_run_lies_in_its_folder(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    names = [run.bundle, run.last, run.best, run.record, run.config, run.metrics, run.log, run.curves]
    assert [path.name for path in [*names, run.overlays, run.holdout]] == [
        *("bundle", "last.pt", "best.pt", "run.json", "config.yaml", "metrics.csv", "log.txt", "curves.png"),
        *("overlays", "holdout.csv"),
    ]


def test_a_named_run_that_exists_is_left_alone(tmp_path: Path) -> None:
    run = create_run_folder(tmp_path, "b", "first")
    run.record.write_text("{}")
    with pytest.raises(OutputError, match=r"first' exists\. Go on with it by --resume .*another --name"):
        create_run_folder(tmp_path, "b", "first")


def test_an_empty_folder_may_be_used(tmp_path: Path) -> None:
    (tmp_path / "b" / "first").mkdir(parents=True)
    assert create_run_folder(tmp_path, "b", "first").root == tmp_path / "b" / "first"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("a/b", "should not"),
        ("..", r"starts with '\.'"),
        ("-x", "starts with '-'"),
        ("a\nb", "should not"),
        ("a ", "starts or ends with a space"),
        ("x" * 101, "101 characters"),
    ],
)
def test_a_name_that_no_folder_should_have_is_refused(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(UsageError, match=f"--name .*{reason}"):
        create_run_folder(tmp_path, "b", name)


@pytest.mark.parametrize("name", [None, "first"])
def test_an_output_that_is_a_file_is_refused(tmp_path: Path, name: str | None) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"Cannot make a run folder in .*Choose another --output"):
        create_run_folder(tmp_path / "file", "b", name)


def test_a_run_is_found_by_its_folder(tmp_path: Path) -> None:
    run = create_run_folder(tmp_path, "b", "first")
    run.record.write_text("{}")
    assert find_run(run.root) == run


def test_a_folder_above_a_run_is_no_run_but_names_it(tmp_path: Path) -> None:
    create_run_folder(tmp_path, "b", "first").record.write_text("{}")
    with pytest.raises(FileError, match=r"holds no run\.json\. The newest run in it is '.*first'"):
        find_run(tmp_path)


def test_a_path_that_is_not_there_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"does not exist\. Give the folder"):
        find_run(tmp_path / "nothing")


def test_a_run_that_is_a_part_of_another_lies_in_its_folder(tmp_path: Path) -> None:
    parent = create_run_folder(tmp_path, "b", "whole")
    assert create_run_folder(tmp_path, "b", "part", within=parent.root).root == tmp_path / "b" / "whole" / "part"


def _folds(root: Path, *outcomes: str) -> Path:
    """A cross-validation of as many folds as outcomes."""
    folds = [{"name": f"fold{n}"} for n in range(len(outcomes))]
    for fold, outcome in zip(folds, outcomes, strict=True):
        (root / fold["name"]).mkdir()
        write_json(root / fold["name"] / "run.json", {"verb": "train", "outcome": outcome})
    write_json(root / "run.json", {"verb": "train", "folds": folds})
    return root


def test_the_runs_of_a_cross_validation_come_in_the_order_of_its_folds(tmp_path: Path) -> None:
    root = _folds(tmp_path, *["finished"] * 10, "stopped")
    assert fold_runs(root) == [root / f"fold{n}" for n in range(11)]
    assert fold_runs(root / "fold0") == []
    assert fold_runs(tmp_path / "nothing") == []


def test_a_cross_validation_that_is_not_done_names_what_is_missing(tmp_path: Path) -> None:
    root = _folds(tmp_path, "finished", "interrupted", "finished")
    with pytest.raises(FileError, match=r"whose fold1 is not trained to the end\. Go on with it by .*--resume"):
        fold_runs(root)
