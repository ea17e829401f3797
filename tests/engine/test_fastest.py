import copy
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from medseg.engine.device import Precision
from medseg.engine.fastest import ENOUGH_S, ROUNDS, fastest_mode, modes
from medseg.engine.forward import Mode

FP32, BF16 = Precision("fp32", "cpu"), Precision("bf16", "cpu")


def a_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv3d(1, 2, 3, padding=1), nn.ReLU()).eval()


def clock_of(seconds: list[float], rounds: int) -> Iterator[float]:
    """A clock by which each mode takes so long, in turn."""
    now = 0.0
    for _ in range(rounds):
        for each in seconds:
            yield now
            now += each
            yield now


def chosen(precision: Precision, seconds: list[float]) -> Mode:
    rounds = 2 if min(seconds) > ENOUGH_S else ROUNDS + 1
    clock = clock_of(seconds, rounds)
    mode = fastest_mode(a_network(), (1, 1, 8, 8, 8), modes(precision), clock=lambda: next(clock))
    assert next(clock, None) is None, "more or fewer windows than stated were timed"
    return mode


@pytest.mark.parametrize(
    ("seconds", "best"),
    [([0.5, 0.4, 0.3], 2), ([0.5, 0.3, 0.4], 1), ([0.3, 0.4, 0.5], 0), ([0.5, 0.49, 0.52], 0), ([0.5, 0.4, 0.405], 2)],
)
def test_the_fastest_is_chosen_in_doubt_the_plainest_but_short_weights_where_they_are_as_fast(
    seconds: list[float], best: int
) -> None:
    assert chosen(BF16, seconds) == modes(BF16)[best]


def test_long_windows_are_timed_once() -> None:
    assert chosen(BF16, [4 * ENOUGH_S, 3 * ENOUGH_S, 2 * ENOUGH_S]) == modes(BF16)[2]


def test_short_weights_are_for_bf16_on_a_cpu() -> None:
    assert [mode.short_weights for mode in modes(BF16)] == [False, False, True]
    assert not any(mode.short_weights for mode in [*modes(FP32), *modes(Precision("bf16", "cuda"))])
    assert all(mode.precision == FP32 for mode in modes(FP32))


def test_timing_leaves_network_and_random_numbers_as_they_were() -> None:
    network = a_network()
    before, draws = copy.deepcopy(network.state_dict()), torch.get_rng_state()
    fastest_mode(network, (2, 1, 8, 8, 8), modes(FP32))
    assert torch.equal(torch.get_rng_state(), draws)
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


def test_an_engine_that_is_asked_for_is_the_only_choice() -> None:
    assert modes(FP32, "onnx") == [Mode(FP32, engine="onnx")]


def test_auto_is_any_mode_of_torch() -> None:
    assert modes(BF16, "auto") == modes(BF16, "torch")
