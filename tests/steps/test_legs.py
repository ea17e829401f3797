from types import SimpleNamespace
from typing import Any

import pytest

from medseg.core.recipe import CurriculumRecipe, Sampling
from medseg.engine.distributed import World
from medseg.engine.probe import Speed
from medseg.steps import legs
from medseg.steps.legs import lengths_ahead, measure_legs, samplings, validation_s

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


def test_a_study_is_segmented_once_however_many_legs_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    segmented: list[str] = []
    steps_s = iter((1.0, 2.0))

    def measured(learner: Any, patches: Any, segment_one: Any) -> Speed:
        return Speed(next(steps_s), study_s=5.0 if segment_one() else 0.0)

    monkeypatch.setattr(legs, "measure", measured)
    plain = recipe(0.4)
    plain.augmentation, plain.seed, plain.validation = None, 0, SimpleNamespace(every=2)
    parts = SimpleNamespace(
        learner=SimpleNamespace(recipe=plain, world=World()), validate=lambda studies: segmented.extend(studies) or True
    )
    found = measure_legs(parts, ["a"] * 8, ["v", "w"])  # type: ignore[arg-type, list-item]
    assert segmented == ["v"]
    assert [leg.speed for leg in found] == [Speed(1.0, 5.0), Speed(2.0, 5.0)]
    assert [leg.mean_s for leg in found] == [1.0 + 10 / (2 * 6), 2.0 + 10 / (2 * 12)]  # 24 patches, 4 or 2 a step
