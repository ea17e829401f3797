import numpy as np
import pytest

from medseg.metrics.evaluation import Evaluation
from medseg.metrics.policy import POLICIES
from medseg.metrics.ranking import rank
from medseg.metrics.scores import StudyScores, score_maps
from tests.evaluations import evaluation, study


def test_studies_come_from_worst_to_best() -> None:
    found = rank(evaluation({"b": 2, "a": 0, "c": 1}))
    assert [one.study for one in found] == ["b", "c", "a"]
    # Moved by 1: 7 of 8 of the box and 3 of 4 of the core are shared; by 2: 6 of 8 and 2 of 4.
    assert [one.dice for one in found] == pytest.approx([(0.75 + 0.5) / 2, (0.875 + 0.75) / 2, 1.0])


def test_a_failure_comes_first_and_says_why() -> None:
    found = rank(evaluation({"b": 2}, study("z", failure="the file is empty")))
    assert (found[0].study, found[0].dice, found[0].reason) == ("z", 0.0, "the file is empty")


def test_what_is_worst_is_said_with_figures() -> None:
    missed, moved = rank(evaluation({"moved": 2}, study("missed", core=False)))
    # The box is whole; the core of 4 x 4 x 2 voxels of 2 mm³ is not there.
    assert (missed.study, missed.reason) == ("missed", "core: missed (0.064 ml)")
    assert moved.reason.startswith("core: Dice 0.500, HD95 2.0 mm")


def test_a_study_without_any_score_has_no_rank() -> None:
    empty = np.zeros((4, 4, 4), np.uint8)
    scores = score_maps(empty, empty, np.eye(4), {"a": (1,)}, POLICIES["default"])
    nothing = Evaluation(POLICIES["default"], ("a",), (StudyScores("s", "s", scores),))
    assert rank(nothing) == []
