import json
from pathlib import Path

from medseg.steps.unseen import left_out_sentence, seen_by, unseen


def test_what_was_seen_is_no_hold_out() -> None:
    assert unseen({"a": "a", "b": "b", "c": "c"}, frozenset("a")) == ["b", "c"]


def test_another_study_of_a_patient_that_was_seen_is_none_either() -> None:
    assert unseen({"a1": "a", "a2": "a", "b": "b"}, frozenset(["a1"])) == ["b"]


def test_training_and_validation_were_seen_and_the_hold_out_was_not(tmp_path: Path) -> None:
    split = {"train": ["a", "b"], "validation": ["c"], "holdout": ["d"]}
    (tmp_path / "run.json").write_text(json.dumps({"split": split}))
    assert seen_by(tmp_path) == {"a", "b", "c"}


def test_a_bundle_that_is_no_run_has_seen_nothing_that_is_known(tmp_path: Path) -> None:
    assert seen_by(tmp_path) == frozenset()


def test_how_many_are_left_out_is_said() -> None:
    assert left_out_sentence(2, 3) == "1 of 3 studies were trained on or chosen by; they are left out."
