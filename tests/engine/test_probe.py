import copy
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from medseg.engine import probe
from medseg.engine.probe import ENOUGH_S, MOST_STEPS, Speed, measure


def test_the_probe_leaves_no_trace(tiny: SimpleNamespace) -> None:
    training = tiny.training()
    before, draws = copy.deepcopy(training.state()), torch.get_rng_state()
    measure(training.learner, training.patches, lambda: torch.rand(3))
    after = training.state()
    assert torch.equal(torch.get_rng_state(), draws)
    for part in ("network", "average"):
        assert all(torch.equal(after[part][key], before[part][key]) for key in before[part])
    assert training.learner.settled


def test_a_probed_training_ends_with_the_weights_of_one_that_was_not(tiny: SimpleNamespace) -> None:
    one, other = tiny.training(epochs=2), tiny.training(epochs=2)
    measure(other.learner, other.patches, lambda: None)
    torch.manual_seed(1)
    one.run()
    torch.manual_seed(1)
    other.run()
    ends = [training.learner.network.state_dict() for training in (one, other)]
    assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])


def _slowed(training: Any, monkeypatch: pytest.MonkeyPatch, seconds: list[float]) -> None:
    """Each step of the learner, and of the study, takes the next of these seconds, by the probe's own clock."""
    now, ahead, real = [0.0], iter(seconds), training.learner.train_on
    monkeypatch.setattr(probe.time, "monotonic", lambda: now[0])

    def slow(*batch: Any, **options: Any) -> float:
        now[0] += next(ahead)
        return float(real(*batch, **options))

    def study() -> None:
        now[0] += next(ahead)

    monkeypatch.setattr(training.learner, "train_on", slow)
    training.study = study


def _measured(tiny: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, seconds: list[float]) -> Speed:
    training = tiny.training()
    _slowed(training, monkeypatch, seconds)
    speed = measure(training.learner, training.patches, training.study)
    monkeypatch.undo()
    return speed


def test_the_first_step_and_the_first_of_short_studies_are_left_out(
    tiny: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [9.0, *[0.1, 0.2, 0.1, 0.4][:MOST_STEPS]]
    assert _measured(tiny, monkeypatch, [*steps, 0.5, 0.3]) == Speed(pytest.approx(0.15), pytest.approx(0.3))


def test_long_steps_and_long_studies_are_measured_once(tiny: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = [9.0, 2 * ENOUGH_S, 3 * ENOUGH_S]
    assert _measured(tiny, monkeypatch, seconds) == Speed(pytest.approx(2 * ENOUGH_S), pytest.approx(3 * ENOUGH_S))


def test_accumulation_is_not_left_half_way(tiny: SimpleNamespace) -> None:
    training = tiny.training(tiny.change("engine", accumulate=3))
    measure(training.learner, training.patches, lambda: None)
    assert training.learner.settled
    assert all(parameter.grad is None for parameter in training.learner.network.parameters())
