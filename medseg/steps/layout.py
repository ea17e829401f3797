"""The memory layout of a training: as the recipe says, or as it was measured for this network on this machine."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from medseg.bundle.read import Bundle
from medseg.core.recipe import Recipe
from medseg.engine.device import Precision
from medseg.engine.distributed import World, leader_says
from medseg.engine.layout import is_faster_channels_last
from medseg.steps.remembered import key_on_this_machine, recall, remember


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
        answer = recall(memory, key)
        if answer is None:
            channels = len(bundle.channels)
            answer = is_faster_channels_last(network, recipe, channels=channels, device=device, precision=precision)
            remember(memory, key, answer)
    return bool(leader_says(answer, world))


def _key(bundle: Bundle, recipe: Recipe, precision: Precision) -> str:
    sampling = recipe.sampling
    step = [list(sampling.patch), sampling.batch, list(recipe.loss.deep_supervision), precision.name]
    return key_on_this_machine([bundle.inference["network_def"], step])
