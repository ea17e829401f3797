from dataclasses import replace
from pathlib import Path

import pytest

from medseg.core.errors import DatalistError
from medseg.metrics.evaluation import Evaluation
from medseg.runs.evaluation_facts import EvaluationFacts
from medseg.runs.evaluation_files import SavedEvaluation, read_evaluation, write_summary, write_tables
from medseg.steps.evaluation_against import compare_with
from tests.evaluations import evaluation

GOOD = evaluation({f"s{n:02d}": n % 2 for n in range(12)})
BAD = evaluation({f"s{n:02d}": 3 + n % 3 for n in range(12)})


def saved(folder: Path, one: Evaluation, title: str = "old") -> SavedEvaluation:
    write_tables(folder, one)
    write_summary(folder, EvaluationFacts(title, one))
    return read_evaluation(folder)


def test_a_model_that_is_better_everywhere_is_told_apart(tmp_path: Path) -> None:
    found = compare_with(saved(tmp_path, BAD), GOOD, title="new")
    dice = next(row for row in found.differences if (row.label, row.metric) == ("core", "dice"))
    # Shifts of 0 and 1 in turn against 3, 4 and 5 in turn, of 4 voxels: mean 0.875 against (0.25 + 0 + 0) / 3.
    assert dice.mean == pytest.approx(0.875 - 0.25 / 3)
    assert (dice.n, dice.effect, dice.told_apart) == (12, 1.0, True)
    assert any(sentence.startswith("Dice of core: new is better than old") for sentence in found.sentences)
    assert any(sentence.startswith("HD95 of core: new is better than old") for sentence in found.sentences)


def test_two_like_models_cannot_be_told_apart(tmp_path: Path) -> None:
    found = compare_with(saved(tmp_path, GOOD, "same"), GOOD, title="same")
    assert all("cannot be told apart with n = 12" in sentence for sentence in found.sentences)
    assert found.ours != found.theirs


def test_studies_of_one_side_only_are_named(tmp_path: Path) -> None:
    fewer = replace(GOOD, studies=GOOD.studies[2:])
    found = compare_with(saved(tmp_path, fewer), GOOD, title="new")
    assert found.notes == ("2 studies are in this evaluation only and not compared: s00, s01.",)
    assert {row.n for row in found.differences} == {10}


def test_evaluations_without_a_common_study_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatalistError, match="No study"):
        compare_with(saved(tmp_path, evaluation({"other": 0})), GOOD, title="new")


def test_other_references_are_refused(tmp_path: Path) -> None:
    """Their volumes may be alike; what they hold is not."""
    here, there = (
        replace(GOOD, studies=tuple(replace(one, reference=digest) for one in GOOD.studies)) for digest in ("aa", "bb")
    )
    with pytest.raises(DatalistError, match=r"12 faults\n  study 's00' has another reference there"):
        compare_with(saved(tmp_path, there), here, title="new")


def test_labels_of_one_side_only_are_named(tmp_path: Path) -> None:
    found = compare_with(saved(tmp_path, replace(GOOD, names=("core",))), GOOD, title="new")
    assert found.notes == ("'whole' is in one of the two only and not compared.",)


def test_without_a_common_label_nothing_is_compared(tmp_path: Path) -> None:
    first, second = replace(GOOD, names=("core",)), replace(GOOD, names=("whole",))
    with pytest.raises(DatalistError, match=r"No label is in both evaluations: whole here, core in"):
        compare_with(saved(tmp_path, first), second, title="new")
