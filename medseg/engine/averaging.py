"""Average what several networks say of one image, and what each says of its mirror images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations

import torch
from monai.inferers import Inferer
from torch import nn

from medseg.engine.device import Precision
from medseg.engine.scoring import predict_classes


@dataclass(frozen=True)
class Member:
    """One of the networks that are averaged.

    Attributes:
        network: With trained weights, on the device.
        inferer: Its own window; members may differ in it.
    """

    network: nn.Module
    inferer: Inferer


def averaged_logits(
    image: torch.Tensor,
    members: Sequence[Member],
    flip_axes: Sequence[int] = (),
    *,
    device: torch.device,
    precision: Precision,
) -> torch.Tensor:
    """What a bundle's postprocessing takes: logits whose softmax is the mean probability of all members.

    A chain begins with softmax. Given the logarithm of probabilities that add up to 1, softmax gives these back, so the
    same chain serves one network and many. Of one network without mirror images it is the network's own logits, bit for
    bit. A probability below the smallest normal fp32 number counts as that: a logarithm of 0 would be endless, and a
    chain that resamples before softmax would turn it into NaN.

    Args:
        image: Preprocessed, (C, I, J, K).
        members: One or more, on ``device``.
        flip_axes: As in ``mean_probabilities``.
        device: Where they run.
        precision: Their arithmetic.

    Returns:
        (classes, I, J, K) in fp32.
    """
    if len(members) == 1 and len(mirrorings(image.shape[1:], flip_axes)) == 1:
        only = members[0]
        return predict_classes(image, only.network, only.inferer, device=device, precision=precision)
    mean = mean_probabilities(image, members, flip_axes, device=device, precision=precision)
    with torch.inference_mode():
        return mean.clamp_min_(torch.finfo(mean.dtype).tiny).log_()


def mean_probabilities(
    image: torch.Tensor,
    members: Sequence[Member],
    flip_axes: Sequence[int] = (),
    *,
    device: torch.device,
    precision: Precision,
) -> torch.Tensor:
    """Softmax probabilities (classes, I, J, K) in fp32, the mean over members and mirror images.

    All networks stay in memory; beside what one network needs there are two arrays of the result's size: the sum, and
    what is added to it.

    Args:
        image: Preprocessed, (C, I, J, K).
        members: One or more, on ``device``.
        flip_axes: Axes of the volume (0 for I) along which it may be mirrored; every combination of them is averaged,
            2**k for k axes. None for the image alone. An axis one voxel long is left out: there is nothing to mirror.
        device: Where they run.
        precision: Their arithmetic.

    Raises:
        ValueError: There is no member.
    """
    if not members:
        raise ValueError("an average needs at least one network")
    flips = mirrorings(image.shape[1:], flip_axes)
    image = image.to(device)
    with torch.inference_mode():
        probabilities = _probabilities(image, members, flips, device, precision)
        total = next(probabilities)
        for one in probabilities:
            total.add_(one)
            del one  # before the next is made
        return total.div_(len(members) * len(flips))


def mirrorings(shape: Sequence[int], flip_axes: Sequence[int]) -> list[tuple[int, ...]]:
    """Every combination of the axes that are longer than one voxel, the one without any first."""
    axes = sorted({axis for axis in flip_axes if shape[axis] > 1})
    return list(chain.from_iterable(combinations(axes, count) for count in range(len(axes) + 1)))


def _probabilities(
    image: torch.Tensor,
    members: Sequence[Member],
    flips: Sequence[tuple[int, ...]],
    device: torch.device,
    precision: Precision,
) -> Iterator[torch.Tensor]:
    for member in members:
        for axes in flips:
            dims = [axis + 1 for axis in axes]  # behind the channels, or the classes
            turned = image.flip(dims) if dims else image
            yield _turned_back(turned, dims, member, device, precision)


def _turned_back(
    turned: torch.Tensor, dims: list[int], member: Member, device: torch.device, precision: Precision
) -> torch.Tensor:
    """Probabilities of one mirror image, as the image lies; its logits are free again when the next one is made."""
    logits = predict_classes(turned, member.network, member.inferer, device=device, precision=precision)
    return torch.softmax(logits.flip(dims) if dims else logits, dim=0)
