import time
from types import SimpleNamespace
from typing import Any

import pytest

from medseg.core.errors import TrainingError
from medseg.engine.distributed import World
from medseg.engine.pace import BudgetPace, StepPace
from medseg.engine.probe import Speed
from medseg.steps import course as module
from medseg.steps.course import FINISH_S, Course, plot_course
from medseg.steps.legs import Leg

# Steps of 0.5 and 2 s, of which 0.1 and 0.2 s are for validations; epochs of 10 and 20 steps.
EARLY = Leg("small", 0.4, Speed(0.4, 1.0), 10, 0.5)  # type: ignore[arg-type]
LATE = Leg("large", 0.6, Speed(1.8, 1.0), 20, 2.0)  # type: ignore[arg-type]
ONLY = Leg("large", 1.0, Speed(1.8, 1.0), 20, 2.0)  # type: ignore[arg-type]


@pytest.fixture
def plotted(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Plots a course over given legs; three validation studies, the work of two at the end."""

    def plot(*legs: Leg, epochs: int = 10, ends_in_s: float | None = None) -> Course:
        monkeypatch.setattr(module, "measure_legs", lambda *_: list(legs))
        recipe = SimpleNamespace(length=SimpleNamespace(epochs=epochs))
        parts: Any = SimpleNamespace(learner=SimpleNamespace(recipe=recipe, world=World()), validate=None)
        watcher: Any = None
        ends_at_s = None if ends_in_s is None else time.monotonic() + ends_in_s
        return plot_course(
            parts,
            train=[],
            validation=[None] * 3,  # type: ignore[list-item]
            scored=2,
            watcher=watcher,
            workers=0,
            ends_at_s=ends_at_s,
            state=None,
        )

    return plot


def test_epochs_of_one_kind_are_counted_in_steps(plotted: Any) -> None:
    course = plotted(ONLY)
    assert (course.steps, course.training.opening) == (200, None)
    assert course.seconds == pytest.approx(200 * 2.0 + 3.0)


def test_a_curriculum_takes_its_share_of_the_epochs(plotted: Any) -> None:
    course = plotted(EARLY, LATE)
    assert course.steps == 4 * 10 + 6 * 20
    assert course.seconds == pytest.approx(40 * 0.5 + 120 * 2.0 + 3.0)
    assert (course.training.opening.patches, course.training.opening.until) == ("small", 40 / 160)
    assert course.training.patches == "large"
    assert course.training.pace == StepPace(160)


def test_a_run_too_short_for_a_curriculum_has_none(plotted: Any) -> None:
    assert plotted(EARLY, LATE, epochs=1).training.opening is None


def test_a_curriculum_takes_its_share_of_the_time(plotted: Any) -> None:
    kept_back_s = 3.0 + 2 * 1.0 + FINISH_S
    course = plotted(EARLY, LATE, ends_in_s=1000.0 + kept_back_s)
    assert course.steps == pytest.approx(400 / 0.5 + 600 / 2.0, abs=2)
    assert course.seconds == pytest.approx(1003.0, abs=0.5)
    assert course.training.opening.until == 0.4
    assert isinstance(course.training.pace, BudgetPace)
    assert course.training.pace.step_s == 0.5
    assert course.training.validation_s == 3.0


def test_a_budget_that_is_over_before_a_step_is_refused(plotted: Any) -> None:
    with pytest.raises(TrainingError, match="ends before the first step"):
        plotted(ONLY, ends_in_s=13.0)
