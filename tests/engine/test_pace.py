import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medseg.engine.pace import BudgetPace, StepPace


class Clock:
    """A clock that only moves when told."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def run_budget(budget_s: float, estimate_s: float, step_s: Callable[[float], float]) -> tuple[float, list[float]]:
    """Seconds until the pace is done, and the progress after each step."""
    clock = Clock()
    pace, progress = BudgetPace(budget_s, estimate_s, clock=clock), []
    while pace.progress < 1.0:
        clock.now_s += step_s(clock.now_s)
        pace.advance()
        progress.append(pace.progress)
        assert len(progress) < 100_000
    return clock.now_s, progress


def test_steps_are_counted_to_the_end() -> None:
    pace = StepPace(4)
    seen = [(pace.progress, pace.steps_left)]
    for _ in range(4):
        pace.advance()
        seen.append((pace.progress, pace.steps_left))
    assert seen == [(0.0, 4), (0.25, 3), (0.5, 2), (0.75, 1), (1.0, 0)]


def test_a_resumed_count_goes_on() -> None:
    assert StepPace(10, 7).progress == 0.7


@pytest.mark.parametrize("factor", [1.0, 2.0, 0.5])
def test_a_budget_ends_in_time_when_the_machine_changes_speed_half_way(factor: float) -> None:
    ended_s, progress = run_budget(900.0, 1.0, lambda now: 1.0 if now < 450 else factor)
    assert ended_s == pytest.approx(900.0, rel=0.1)
    assert progress[-1] == 1.0


@pytest.mark.parametrize("wrong", [0.5, 2.0, 4.0])
def test_a_budget_ends_in_time_when_the_probe_was_wrong(wrong: float) -> None:
    ended_s, _ = run_budget(600.0, wrong, lambda _: 1.0)
    assert ended_s == pytest.approx(600.0, rel=0.1)


@given(st.floats(60, 2000), st.floats(0.3, 3), st.lists(st.floats(0.5, 2), min_size=1, max_size=8))
def test_a_budget_ends_in_time_on_a_restless_machine(budget_s: float, estimate_s: float, speeds: list[float]) -> None:
    part_s = budget_s / len(speeds)
    ended_s, _ = run_budget(budget_s, estimate_s, lambda now: speeds[min(int(now / part_s), len(speeds) - 1)])
    assert ended_s == pytest.approx(budget_s, rel=0.1)


def test_progress_never_falls_and_ends_at_one_without_a_jump() -> None:
    for factor in (0.5, 1.0, 2.0):
        _, progress = run_budget(900.0, 1.0, lambda now, f=factor: 1.0 if now < 450 else f)
        jumps = [later - earlier for earlier, later in itertools.pairwise(progress)]
        assert min(jumps) > 0
        assert max(jumps) < 0.02
        assert progress[-1] == 1.0


def test_a_pause_is_not_taken_for_a_slow_machine_for_long() -> None:
    ended_s, _ = run_budget(900.0, 1.0, lambda now: 60.0 if 300 <= now < 301 else 1.0)
    assert ended_s == pytest.approx(900.0, rel=0.1)


def test_a_budget_that_is_over_ends_with_the_next_step() -> None:
    ended_s, progress = run_budget(0.5, 1.0, lambda _: 1.0)
    assert (ended_s, progress) == (1.0, [1.0])


@pytest.mark.parametrize(("budget_s", "step_s"), [(60.0, 5.0), (120.0, 20.0), (300.0, 40.0), (900.0, 60.0)])
def test_long_steps_fill_a_budget_as_far_as_whole_steps_can(budget_s: float, step_s: float) -> None:
    ended_s, _ = run_budget(budget_s, step_s, lambda _: step_s)
    assert ended_s == budget_s // step_s * step_s


def test_a_budget_has_time_for_what_is_over_when_the_last_step_is_due() -> None:
    clock = Clock()
    pace = BudgetPace(100.0, 1.0, clock=clock)
    clock.now_s = 80.0
    assert pace.has_time_for(20.0)
    assert not pace.has_time_for(20.1)
    assert StepPace(1).has_time_for(1e9)
