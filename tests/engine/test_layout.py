import copy
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import torch

from medseg.engine.device import Precision
from medseg.engine.layout import LONG_STEP_S, TIMED_STEPS, is_faster_channels_last

CPU = torch.device("cpu")


def _clock(plain_s: float, last_s: float) -> Iterator[float]:
    """A clock by which each step takes so long in the plain layout, and so long in channels-last."""
    now = 0.0
    for _ in range(TIMED_STEPS + 1 if max(plain_s, last_s) < LONG_STEP_S else 2):
        for step_s in (plain_s, last_s):  # in turn
            yield now
            now += step_s
            yield now


def _choose(tiny: SimpleNamespace, plain_s: float, last_s: float) -> bool:
    clock = _clock(plain_s, last_s)
    network = tiny.learner().network
    fp32 = Precision("fp32", "cpu")
    faster = is_faster_channels_last(
        network, tiny.recipe, channels=1, device=CPU, precision=fp32, clock=lambda: next(clock)
    )
    assert next(clock, None) is None, "more or fewer steps than stated were timed"
    return faster


@pytest.mark.parametrize(("plain_s", "last_s", "expected"), [(1.0, 0.8, True), (0.8, 1.0, False), (1.0, 0.99, False)])
def test_the_faster_layout_is_chosen_and_the_plain_one_in_doubt(
    tiny: SimpleNamespace, plain_s: float, last_s: float, expected: bool
) -> None:
    assert _choose(tiny, plain_s, last_s) is expected


def test_long_steps_are_timed_once(tiny: SimpleNamespace) -> None:
    assert _choose(tiny, LONG_STEP_S, 0.5 * LONG_STEP_S)


def test_the_probe_leaves_network_and_random_state_as_they_were(tiny: SimpleNamespace) -> None:
    network = tiny.learner().network
    before, draws = copy.deepcopy(network.state_dict()), torch.get_rng_state()
    is_faster_channels_last(network, tiny.recipe, channels=1, device=CPU, precision=Precision("fp32", "cpu"))
    assert torch.equal(torch.get_rng_state(), draws)
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
