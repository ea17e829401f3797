from types import SimpleNamespace
from typing import Any

import pytest

from medseg.core.recipe import CurriculumRecipe, Sampling
from medseg.engine.probe import Speed
from medseg.steps.legs import lengths_ahead, samplings, validation_s

SAMPLING = Sampling((40, 56, 40), batch=2, patches_per_study=3, foreground=0.67)


def recipe(share: float) -> Any:
    return SimpleNamespace(sampling=SAMPLING, curriculum=CurriculumRecipe(share, (24, 32, 24), batch=4))


def test_without_a_curriculum_a_run_is_of_one_kind() -> None:
    assert samplings(recipe(0.0)) == [(1.0, SAMPLING)]


def test_a_curriculum_changes_patch_and_batch_and_nothing_else() -> None:
    assert samplings(recipe(0.4)) == [(0.4, Sampling((24, 32, 24), 4, 3, 0.67)), (0.6, SAMPLING)]


@pytest.mark.parametrize(
    ("done", "ahead"), [(0.0, [4.0, 6.0]), (1.0, [3.0, 6.0]), (4.0, [0.0, 6.0]), (9.0, [0.0, 1.0]), (11.0, [0.0, 0.0])]
)
def test_what_is_done_is_taken_from_the_first_parts(done: float, ahead: list[float]) -> None:
    assert lengths_ahead([4.0, 6.0], done) == ahead


def test_processes_share_the_validation_studies() -> None:
    assert validation_s(Speed(1.0, study_s=2.0), 5, ranks=2) == 6.0
