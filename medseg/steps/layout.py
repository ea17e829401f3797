"""The memory layout of a training: as the recipe says, or as it was measured for this network on this machine."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import torch
from torch import nn

from medseg.bundle.read import Bundle
from medseg.core.errors import MedsegError
from medseg.core.files import digest_of, write_json
from medseg.core.machine import cores
from medseg.core.recipe import Recipe
from medseg.engine.device import Precision
from medseg.engine.distributed import World, leader_says
from medseg.engine.layout import is_faster_channels_last


def choose_layout(
    network: nn.Module,
    bundle: Bundle,
    recipe: Recipe,
    *,
    device: torch.device,
    precision: Precision,
    world: World,
    memory: Path,
) -> bool:
    """Whether to train channels-last.

    "auto" is yes on CUDA, whose convolutions are made for it; on a CPU a few steps are timed in both layouts. The
    answer is kept, so that two runs with one seed on one machine agree to the bit: the layout changes the last bits
    of a sum.

    Args:
        network: As it will be trained; left as it is.
        bundle: Describes the network.
        recipe: Its ``engine.channels_last`` is "yes", "no" or "auto".
        device: Where it trains.
        precision: Of its forward pass.
        world: All processes take the leader's answer.
        memory: JSON file of answers; one that cannot be read or written is done without.
    """
    asked = recipe.engine.channels_last
    if asked != "auto":
        return asked == "yes"
    if device.type != "cpu":
        return device.type == "cuda"
    answer = None
    if world.leads:
        key = _key(bundle, recipe, precision)
        answer = _remembered(memory).get(key)
        if answer is None:
            channels = len(bundle.channels)
            answer = is_faster_channels_last(network, recipe, channels=channels, device=device, precision=precision)
            _remember(memory, key, answer)
    return bool(leader_says(answer, world))


def _key(bundle: Bundle, recipe: Recipe, precision: Precision) -> str:
    """Digest of everything that may change which layout is faster."""
    sampling = recipe.sampling
    step = [list(sampling.patch), sampling.batch, list(recipe.loss.deep_supervision), precision.name]
    machine = [platform.machine(), platform.processor(), torch.backends.cpu.get_cpu_capability(), cores()]
    return digest_of([bundle.inference["network_def"], step, machine, torch.__version__])


def _remembered(memory: Path) -> dict[str, bool]:
    try:
        answers = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return answers if isinstance(answers, dict) else {}


def _remember(memory: Path, key: str, answer: bool) -> None:
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        write_json(memory, {**_remembered(memory), key: answer})
    except (OSError, MedsegError):
        return  # it is measured again next time
