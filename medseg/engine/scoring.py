"""Dice of a network on prepared studies, window by window over the whole volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from monai.inferers import Inferer
from torch import nn

from medseg.core.labels import LabelSet
from medseg.core.types import LabelArray
from medseg.engine.device import Precision
from medseg.engine.distributed import World, gather
from medseg.metrics.overlap import dice
from medseg.transforms.prepared import Prepared


def predict_classes(
    image: torch.Tensor, network: nn.Module, inferer: Inferer, *, device: torch.device, precision: Precision
) -> torch.Tensor:
    """Logits (classes, I, J, K) in fp32 of a preprocessed image (C, I, J, K)."""
    network.eval()
    with torch.inference_mode(), precision.autocast():
        logits = inferer(image[None].to(device), network)
    return torch.as_tensor(logits)[0].float()


def score_study(prediction: LabelArray, reference: LabelArray, labels: LabelSet) -> dict[str, float]:
    """Dice of each scored name; nan where both maps lack it. Both maps hold class indices."""
    predicted, expected = labels.masks(prediction), labels.masks(reference)
    return {name: dice(predicted[name], expected[name]) for name in labels.scored}


def score_network(
    network: nn.Module,
    studies: Sequence[Prepared],
    *,
    inferer: Inferer,
    labels: LabelSet,
    device: torch.device,
    precision: Precision,
    world: World,
) -> dict[str, float]:
    """Mean Dice of each scored name over studies, on the preprocessed grid.

    A name that occurs neither in the prediction nor in the reference of a study is left out of its
    mean there; nan if it is scored nowhere.
    """
    scores = score_each(
        network, studies, inferer=inferer, labels=labels, device=device, precision=precision, world=world
    )
    return mean_per_name(scores, labels)


def score_each(
    network: nn.Module,
    studies: Sequence[Prepared],
    *,
    inferer: Inferer,
    labels: LabelSet,
    device: torch.device,
    precision: Precision,
    world: World,
) -> dict[str, dict[str, float]]:
    """Study id to the Dice of each scored name, on the preprocessed grid; the processes share the studies."""
    mine = {}
    for study in studies[world.rank :: world.size]:
        image = torch.from_numpy(np.array(study.image, np.float32))
        logits = predict_classes(image, network, inferer, device=device, precision=precision)
        mine[study.id] = score_study(logits.argmax(0).byte().cpu().numpy(), study.label, labels)
    return {key: value for part in gather(mine, world) for key, value in part.items()}


def mean_per_name(scores: Mapping[str, Mapping[str, float]], labels: LabelSet) -> dict[str, float]:
    """Mean of each scored name over the studies that ``score_each`` scored; nan where there is none."""
    return {name: mean_scored([scores[key][name] for key in sorted(scores)]) for name in labels.scored}


def mean_scored(values: Sequence[float]) -> float:
    """Mean of the values that are not nan; nan where there is none."""
    scored = [value for value in values if not np.isnan(value)]
    return float(np.mean(scored)) if scored else float("nan")
