import copy
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from states import equal, learned

from medseg.core.errors import TrainingError
from medseg.core.recipe import Recipe
from medseg.engine import training as module
from medseg.engine.checkpoint import load_checkpoint, save_checkpoint
from medseg.engine.pace import BudgetPace
from medseg.engine.training import FINISHED, INTERRUPTED, STOPPED


def test_a_run_does_its_epochs_and_reports_each(tiny: SimpleNamespace) -> None:
    watcher = tiny.Memory()
    training = tiny.training(epochs=4, watcher=watcher)
    assert training.run() == FINISHED
    assert [report.epoch for report in watcher.reports] == [1, 2, 3, 4]
    assert [report.steps for report in watcher.reports] == [3, 6, 9, 12]
    assert [report.progress for report in watcher.reports] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert watcher.reports[-1].lr == pytest.approx(1e-2 * 0.01), "the schedule ends where the run ends"
    assert all(report.dice == {"a": 0.5} and math.isfinite(report.loss) for report in watcher.reports)
    assert training.counters.epoch == 4


def test_the_loss_falls(tiny: SimpleNamespace) -> None:
    watcher = tiny.Memory()
    tiny.training(epochs=12, watcher=watcher).run()
    assert watcher.reports[-1].loss < 0.8 * watcher.reports[0].loss


def test_the_same_seed_gives_the_same_weights_and_another_does_not(tiny: SimpleNamespace) -> None:
    one, again, other = (tiny.training(recipe, epochs=2) for recipe in (tiny.recipe, tiny.recipe, _seeded(tiny, 1)))
    for training in (one, again, other):
        torch.manual_seed(training.recipe.seed)
        training.run()
    assert equal(learned(one), learned(again))
    assert not equal(learned(one)["network"], learned(other)["network"])


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("done", [1, 2, 3])
def test_epochs_are_epochs_then_a_kill_then_the_rest(
    done: int, accumulate: int, tiny: SimpleNamespace, tmp_path: Path
) -> None:
    recipe = tiny.change("engine", accumulate=accumulate)
    rising = {"scores": lambda epoch: epoch / 10}  # every epoch is the best, so every epoch is saved
    whole = tiny.training(recipe, **rising)
    whole.run()
    part = tiny.training(recipe, **rising, watcher=_Killer(after_epochs=done, path=tmp_path / "last.pt"))
    with pytest.raises(_KilledError):
        part.run()
    torch.rand(17)  # whatever happened to torch's generator meanwhile
    rest = tiny.training(recipe, **rising, state=load_checkpoint(tmp_path / "last.pt"))
    assert rest.run() == FINISHED
    assert equal(learned(rest), learned(whole))


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("step", [1, 2, 3, 4, 5, 10])
def test_a_stop_in_mid_epoch_finishes_the_step_saves_and_goes_on_bit_for_bit(
    step: int, accumulate: int, tiny: SimpleNamespace, tmp_path: Path
) -> None:
    recipe = tiny.change("engine", accumulate=accumulate)
    whole = tiny.training(recipe)
    whole.run()
    watcher = tiny.Memory(stop_after=step)
    part = tiny.training(recipe, watcher=watcher)
    assert part.run() == INTERRUPTED
    assert watcher.steps - step in range(accumulate), "at most the rest of an accumulation is finished"
    save_checkpoint(tmp_path / "last.pt", watcher.saved[-1][0])
    rest = tiny.training(recipe, state=load_checkpoint(tmp_path / "last.pt"))
    assert rest.run() == FINISHED
    assert equal(learned(rest), learned(whole))


def test_a_stop_at_the_last_step_of_all_lets_the_run_finish(tiny: SimpleNamespace) -> None:
    watcher = tiny.Memory(stop_after=12)
    assert tiny.training(watcher=watcher).run() == FINISHED
    assert watcher.reports[-1].dice == {"a": 0.5}


def test_a_long_epoch_is_saved_in_its_middle_with_the_time_it_took(
    tiny: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SAVE_EVERY_S", -1.0)  # after every step
    whole, watcher = tiny.training(), _Copying(tiny.Memory())
    whole.run()
    tiny.training(watcher=watcher).run()
    steps = [state["counters"]["step"] for state in watcher.saved]
    assert steps == [1, 2, 3, 0, 1, 2, 3, 1, 2, 3, 1, 2, 0]  # 0: the first epoch was the best, the last ended the run
    times = [state["counters"]["elapsed_s"] for state in watcher.saved]
    assert times == sorted(set(times)), "no save forgets the seconds before it"
    for state in (watcher.saved[1], watcher.saved[2], watcher.saved[9]):
        rest = tiny.training(state=state)
        assert rest.run() == FINISHED
        assert equal(learned(rest), learned(whole))


def test_a_finished_state_trains_no_more(tiny: SimpleNamespace) -> None:
    training = tiny.training(epochs=1)
    training.run()
    again = tiny.training(epochs=1, state=copy.deepcopy(training.state()))
    assert again.run() == FINISHED
    assert equal(learned(again), learned(training))


def test_patience_ends_a_run_that_does_not_get_better(tiny: SimpleNamespace) -> None:
    recipe = tiny.change("validation", patience=3)
    scores = [0.1, 0.5, 0.4, 0.5, 0.3, 0.9]
    training = tiny.training(recipe, epochs=9, scores=lambda epoch: scores[epoch - 1])
    assert training.run() == STOPPED
    counters = training.counters
    assert (counters.epoch, counters.best, counters.best_epoch, counters.stale) == (5, 0.5, 2, 3)


def test_patience_counts_on_over_a_resume(tiny: SimpleNamespace) -> None:
    recipe = tiny.change("validation", patience=3)
    watcher = tiny.Memory(stop_after=7)  # one step into epoch 3
    tiny.training(recipe, epochs=9, scores=lambda _: 0.5, watcher=watcher).run()
    rest = tiny.training(recipe, epochs=9, scores=lambda _: 0.5, state=watcher.saved[-1][0])
    assert rest.run() == STOPPED
    assert rest.counters.epoch == 4


def test_best_never_regresses(tiny: SimpleNamespace) -> None:
    scores = [0.3, 0.6, 0.5, 0.6, math.nan, 0.7, 0.2]
    watcher = tiny.Memory()
    tiny.training(epochs=7, scores=lambda epoch: scores[epoch - 1], watcher=watcher).run()
    best = [state["counters"]["best"] for state, is_best in watcher.saved if is_best]
    assert best == [0.3, 0.6, 0.7], "an equal score or none at all is not better"
    assert watcher.saved[-1][0]["counters"]["best"] == 0.7


def test_best_never_regresses_over_a_resume(tiny: SimpleNamespace) -> None:
    first = tiny.Memory(stop_after=4)
    tiny.training(scores=lambda _: 0.8, watcher=first).run()
    second = tiny.Memory()
    tiny.training(scores=lambda _: 0.6, watcher=second, state=first.saved[-1][0]).run()
    assert not any(is_best for _, is_best in second.saved)
    assert second.saved[-1][0]["counters"]["best"] == 0.8


def test_validation_comes_every_few_epochs_and_at_the_end(tiny: SimpleNamespace) -> None:
    watcher = tiny.Memory()
    tiny.training(tiny.change("validation", every=3), epochs=7, watcher=watcher).run()
    assert [report.epoch for report in watcher.reports if report.dice] == [3, 6, 7]


def test_the_last_state_is_saved_whatever_ends_the_run(tiny: SimpleNamespace) -> None:
    watcher = tiny.Memory()
    tiny.training(epochs=2, scores=lambda _: 0.5, watcher=watcher).run()
    assert watcher.saved[-1][0]["counters"]["epoch"] == 2
    assert watcher.saved[-1][0]["progress"] == 1.0


def test_a_loss_that_is_not_finite_ends_the_run_with_the_studies_named(tiny: SimpleNamespace) -> None:
    training = tiny.training(studies=2)
    study = training.patches.studies[1]
    study.image[:] = math.nan
    with pytest.raises(TrainingError, match=r"on studies .*S1.*Look at these files"):
        training.run()


def test_a_budget_ends_in_mid_epoch_with_a_validation(tiny: SimpleNamespace) -> None:
    clock = [0.0]
    watcher = tiny.Memory()
    training = tiny.training(watcher=watcher)
    training.pace = BudgetPace(5.0, 1.0, clock=lambda: clock[0])
    training.watcher.after_step = lambda **_: clock.__setitem__(0, clock[0] + 1.0)
    assert training.run() == FINISHED
    assert training.counters.steps in (5, 6)
    assert watcher.reports[-1].dice == {"a": 0.5}
    assert watcher.reports[-1].lr == pytest.approx(1e-2 * 0.01)


def test_workers_do_not_change_what_is_learned(tiny: SimpleNamespace) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the step itself may round otherwise on more
    try:
        runs = [tiny.training(epochs=2, workers=workers) for workers in (0, 2)]
        for training in runs:
            torch.manual_seed(0)
            training.run()
    finally:
        torch.set_num_threads(threads)
    assert equal(learned(runs[0]), learned(runs[1]))


def test_waiting_for_data_is_counted(tiny: SimpleNamespace) -> None:
    watcher = tiny.Memory()
    training = tiny.training(epochs=2, watcher=watcher)
    training.run()
    counters = training.counters
    assert 0 < counters.wait_s <= counters.train_s <= counters.elapsed_s
    assert all(0 <= report.data_wait <= 1 for report in watcher.reports)


class _KilledError(Exception):
    pass


class _Copying:
    """A watcher that keeps each state as it was when saved."""

    def __init__(self, memory: Any) -> None:
        self.memory, self.saved = memory, []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.memory, name)

    def save(self, state: dict[str, Any], *, is_best: bool) -> None:
        self.saved.append(copy.deepcopy(state))


class _Killer:
    """A watcher that keeps a checkpoint an epoch, and dies in the middle of the next."""

    def __init__(self, *, after_epochs: int, path: Path) -> None:
        self.after_epochs, self.path = after_epochs, path

    def wants_stop(self) -> bool:
        return False

    def after_step(self, *, epoch: int, loss: float, progress: float) -> None:
        if epoch > self.after_epochs:
            raise _KilledError

    def after_epoch(self, report: Any) -> None:
        pass

    def save(self, state: dict[str, Any], *, is_best: bool) -> None:
        if state["counters"]["epoch"] == self.after_epochs:
            save_checkpoint(self.path, state)


def _seeded(tiny: SimpleNamespace, seed: int) -> Recipe:
    return replace(tiny.recipe, seed=seed)


def test_no_validation_begins_for_which_there_is_no_time_but_the_last(tiny: SimpleNamespace) -> None:
    """Three steps an epoch, one a second; a scoring of four seconds fits behind the steps 3, 6 and 9 of 13."""
    clock, watcher = [0.0], tiny.Memory()
    training = tiny.training(watcher=watcher)
    training.pace, training.validation_s = BudgetPace(13.0, 1.0, clock=lambda: clock[0]), 4.0
    training.watcher.after_step = lambda **_: clock.__setitem__(0, clock[0] + 1.0)
    assert training.run() == FINISHED
    assert [bool(report.dice) for report in watcher.reports] == [True, True, True, False, True]
