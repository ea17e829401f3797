import copy
import time
from types import SimpleNamespace

import torch

from medseg.engine.probe import TIMED_STEPS, WARM_UP_STEPS, measure


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


def test_it_tells_the_seconds_of_a_step_and_of_a_study(tiny: SimpleNamespace, monkeypatch) -> None:
    training, calls = tiny.training(), []
    real = training.learner.train_on

    def slow(*batch, **options) -> float:
        calls.append(options)
        time.sleep(0.02)
        return float(real(*batch, **options))

    monkeypatch.setattr(training.learner, "train_on", slow)
    speed = measure(training.learner, training.patches, lambda: time.sleep(0.05))
    assert len(calls) == WARM_UP_STEPS + TIMED_STEPS
    assert 0.02 <= speed.step_s < 1.0
    assert 0.05 <= speed.study_s < 1.0


def test_accumulation_is_not_left_half_way(tiny: SimpleNamespace) -> None:
    training = tiny.training(tiny.change("engine", accumulate=3))
    measure(training.learner, training.patches, lambda: None)
    assert training.learner.settled
    assert all(parameter.grad is None for parameter in training.learner.network.parameters())
