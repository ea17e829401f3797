"""Dice plus cross-entropy, over every output a deeply supervised network gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from monai.losses import DiceCELoss

from medseg.core.errors import ConfigError
from medseg.core.recipe import LossRecipe

Loss = Callable[[torch.Tensor | Sequence[torch.Tensor], torch.Tensor], torch.Tensor]


def build_loss(recipe: LossRecipe) -> Loss:
    """Loss of a network's output, one tensor or several, against a label map.

    The output holds logits (B, classes, *spatial); several outputs come as a list or stacked along
    axis 1 (B, heads, classes, *spatial), the finest first. The label is (B, 1, *spatial), class indices. Dice leaves
    the background out: it would drown small labels. A class that a patch lacks has a Dice loss near
    1 until the network is sure of that in every voxel, and hardly a gradient: cross-entropy teaches it there, and
    ``batch_dice`` keeps such patches from counting as failures.

    Source: Milletari et al. 2016 (soft Dice) as in MONAI's DiceCELoss; weights per output as in
    Lee et al. 2015, "Deeply-Supervised Nets".
    """
    if not recipe.dice + recipe.cross_entropy > 0 or not sum(recipe.deep_supervision) > 0:
        raise ConfigError(
            f"loss: dice {recipe.dice:g}, cross_entropy {recipe.cross_entropy:g}, deep_supervision "
            f"{list(recipe.deep_supervision)} leave nothing to learn from; one of each must be above 0"
        )
    dice_ce = DiceCELoss(
        include_background=False,
        to_onehot_y=True,
        softmax=True,
        batch=recipe.batch_dice,
        lambda_dice=recipe.dice,
        lambda_ce=recipe.cross_entropy,
    )

    def loss(outputs: torch.Tensor | Sequence[torch.Tensor], label: torch.Tensor) -> torch.Tensor:
        heads = _heads(outputs, label)
        if len(heads) > len(recipe.deep_supervision):
            raise ConfigError(
                f"loss.deep_supervision has {len(recipe.deep_supervision)} weight(s); the network gives {len(heads)} "
                "outputs, the finest first: give one weight each"
            )
        weights = recipe.deep_supervision[: len(heads)]
        if not sum(weights) > 0:
            raise ConfigError(
                f"loss.deep_supervision {list(recipe.deep_supervision)} gives no weight to the {len(heads)} output(s) "
                "of the network, the finest first; one of them must be above 0"
            )
        terms = [w * dice_ce(head.float(), _shrink(label, head)) for head, w in zip(heads, weights, strict=True)]
        return torch.stack(terms).sum() / sum(weights)

    return loss


def _heads(outputs: torch.Tensor | Sequence[torch.Tensor], label: torch.Tensor) -> list[torch.Tensor]:
    if isinstance(outputs, torch.Tensor):
        return list(outputs.unbind(1)) if outputs.ndim == label.ndim + 1 else [outputs]
    return list(outputs)


def _shrink(label: torch.Tensor, head: torch.Tensor) -> torch.Tensor:
    if label.shape[2:] == head.shape[2:]:
        return label
    return F.interpolate(label.float(), size=head.shape[2:], mode="nearest-exact")
