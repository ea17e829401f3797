import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny

from medseg.bundle.read import read_bundle
from medseg.bundle.split_file import CHOSE, SPLIT
from medseg.core.errors import DatalistError, FileError
from medseg.io.nifti import write_labels
from medseg.steps.label_maps import LabelMaps, find_label_maps
from medseg.steps.unseen import choosers_of, leave_out_seen, run_of, split_of, unseen


def run(folder: Path, record: str) -> Path:
    tiny.write_tiny_bundle(folder / "bundle")
    (folder / "run.json").write_text(record)
    return folder.resolve()


def references(folder: Path, *names: str) -> LabelMaps:
    folder.mkdir()
    for name in names:
        write_labels(folder / f"{name}.nii.gz", np.ones((2, 2, 2), np.uint8), np.eye(4))
    return find_label_maps(folder)


def test_what_was_seen_is_no_hold_out() -> None:
    assert unseen({"a": "a", "b": "b", "c": "c"}, frozenset("a")) == ["b", "c"]


def test_another_study_of_a_patient_that_was_seen_is_none_either() -> None:
    assert unseen({"a1": "a", "a2": "a", "b": "b"}, frozenset(["a1"])) == ["b"]


def test_training_and_validation_were_seen_and_the_hold_out_was_not(tmp_path: Path) -> None:
    split = {"train": ["a", "b"], "validation": ["c"], "holdout": ["d"]}
    said = list[str]()
    left = leave_out_seen(references(tmp_path / "maps", *"abcde"), [split], say=said.append)
    assert list(left.files) == ["d", "e"]
    assert said == ["3 of 5 studies were trained on or chosen by; they are left out."]


def test_who_chose_the_postprocessing_was_seen_too(tmp_path: Path) -> None:
    split = {"train": ["a"], "validation": [], "holdout": ["b"], CHOSE: ["a", "b"]}
    left = leave_out_seen(references(tmp_path / "maps", *"abc"), [split], say=print)
    assert list(left.files) == ["c"]


def test_where_all_was_seen_nothing_is_evaluated(tmp_path: Path) -> None:
    with pytest.raises(DatalistError, match="trained on or chosen by each of its 1 labelled studies"):
        leave_out_seen(references(tmp_path / "maps", "a"), [{"train": ["a"]}], say=print)


def test_a_model_of_everyone_says_why_nothing_is_left(tmp_path: Path) -> None:
    split = {"train": ["a"], "validation": ["b"], "holdout": [], "fold": "all"}
    with pytest.raises(DatalistError, match="2 labelled studies; it was trained with --fold all, which holds none out"):
        leave_out_seen(references(tmp_path / "maps", *"ab"), [split], say=print)


def test_a_record_that_cannot_be_read_is_no_record_of_nothing(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", "{")
    with pytest.raises(FileError, match=r"run\.json"):
        split_of(read_bundle(folder / "bundle"), folder)


def test_a_run_knows_what_its_bundle_saw_and_else_the_bundle_says_it(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", json.dumps({"split": {"train": ["a"], CHOSE: ["b"]}}))
    assert split_of(read_bundle(folder / "bundle"), None) is None
    (folder / "bundle" / SPLIT).write_text(json.dumps({"train": ["a"], "validation": []}))
    bundle = read_bundle(folder / "bundle")
    assert split_of(bundle, None) == {"train": ["a"], "validation": []}
    assert split_of(bundle, folder) == {"train": ["a"], CHOSE: ["b"]}


def test_without_a_run_nothing_is_left_out(tmp_path: Path) -> None:
    maps = references(tmp_path / "maps", "a")
    assert leave_out_seen(maps, [], say=print) == replace(maps)


def test_a_run_is_found_by_its_folder_by_its_bundle_and_where_the_bundle_is_a_link(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", "{}")
    elsewhere = tmp_path / "linked"
    elsewhere.mkdir()
    (elsewhere / "run.json").write_text("{}")
    (elsewhere / "bundle").symlink_to(folder / "bundle")
    bundle = read_bundle(folder / "bundle")
    assert run_of(bundle, str(folder)) == run_of(bundle, str(folder / "bundle")) == folder
    assert run_of(bundle, str(elsewhere)) == elsewhere.resolve()
    (folder / "run.json").unlink()
    assert run_of(bundle, str(folder)) is None


def test_who_chose_the_postprocessing_is_known_of_a_run_and_of_a_bundle_that_says_it(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", json.dumps({"split": {"train": ["a"], CHOSE: ["b", "c"]}}))
    bundle = read_bundle(folder / "bundle")
    assert choosers_of(bundle, folder) == ("b", "c")
    assert choosers_of(bundle, None) == ()
