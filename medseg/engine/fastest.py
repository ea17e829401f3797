"""In which arithmetic and memory layout a network sees a window fastest: measured, since it depends on both."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch
from torch import nn

from medseg.engine.device import Precision
from medseg.engine.forward import Forward, Mode

ROUNDS = 3  # behind one that picks kernels; the fastest counts, as other work only ever adds time
ENOUGH_S = 1.0  # of one window; where each takes longer, one round says enough
MARGIN = 0.97  # what a mode must beat those before it by: a coin toss should give the plainest
SHORT_MARGIN = 1.02  # but for short weights, which take two thirds of the memory: they need only be as fast


def modes(precision: Precision, engine: str = "torch") -> list[Mode]:
    """What there is to choose from, the plainest first.

    Args:
        precision: Of every mode.
        engine: One of ``ENGINES``; or "auto", for those of torch. Other engines make a network ready anew in each
            process, for seconds to minutes, and were no faster on the networks of the shipped bundles.
    """
    if engine not in ("auto", "torch"):
        return [Mode(precision, engine=engine)]
    on_cpu = precision.device_type == "cpu"
    plain = [Mode(precision, channels_last=last, quick_norms=on_cpu) for last in (False, True)]
    if precision.name == "bf16" and on_cpu:
        return [*plain, Mode(precision, channels_last=True, short_weights=True, quick_norms=True)]
    return plain


def fastest_mode(
    network: nn.Module,
    shape: Sequence[int],
    choices: Sequence[Mode],
    *,
    unseen_axis: int | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Mode:
    """The mode that sees a batch of windows in the least time.

    Args:
        network: On its device; left as it is.
        shape: (B, C, I, J, K) of a batch of windows.
        choices: One or more, the plainest first: it wins where others are not clearly faster.
        unseen_axis: As for ``Forward``.
        clock: Source of seconds.
    """
    noise = torch.randn(tuple(shape), generator=torch.Generator().manual_seed(0))
    ways = [Forward(network, mode, unseen_axis=unseen_axis) for mode in choices]
    times: list[list[float]] = [[] for _ in ways]
    while len(times[0]) <= ROUNDS and not (len(times[0]) > 1 and min(map(min, times)) > ENOUGH_S):
        for way, own in zip(ways, times, strict=True):
            began_s = clock()
            way(noise)
            _wait(way.device)
            own.append(clock() - began_s)
    best = 0
    for n in range(1, len(choices)):
        margin = SHORT_MARGIN if choices[n].short_weights else MARGIN
        if min(times[n][1:]) < margin * min(times[best][1:]):
            best = n
    return choices[best]


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
