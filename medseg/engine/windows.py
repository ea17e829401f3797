"""Where the windows of a volume lie, and what a voxel counts in them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import torch

from medseg.core.types import Shape
from medseg.core.window import Window

LEAST_WEIGHT = 1e-3  # of a voxel in a window; MONAI's, so that no voxel is divided by nothing
LEAST_OVERLAP = 0.5  # of what a bundle says; docs/explanation/sliding_window.md has what that costs and saves
MOST_AT_ONCE = 8  # windows; more keep no device busier
FREE_SHARE = 0.25  # of a device's free memory, for windows on their way through a network
Span = tuple[int, int]  # first and behind the last voxel of an axis


@dataclass(frozen=True)
class Plan:
    """The windows of one volume.

    Attributes:
        shape: Of the volume, padded to hold one window at least.
        before: Voxels of padding before the volume along i, j, k.
        size: Of a window.
        starts: First voxels of the windows along each axis, ascending; every combination is a window.
    """

    shape: tuple[int, int, int]
    before: tuple[int, int, int]
    size: tuple[int, int, int]
    starts: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]

    def __len__(self) -> int:
        return math.prod(len(one) for one in self.starts)

    @property
    def covered(self) -> tuple[Span, Span, Span]:
        """Along each axis what the windows cover together, padding included."""
        i, j, k = ((one[0], one[-1] + side) for one, side in zip(self.starts, self.size, strict=True))
        return i, j, k

    def corners(self) -> list[tuple[int, int, int]]:
        """First voxels of the windows, those along k first, as MONAI's ``dense_patch_slices`` orders them."""
        return list(product(*self.starts))


def stock_plan(shape: Shape, window: Window) -> Plan:
    """The windows of MONAI's ``sliding_window_inference`` (``dense_patch_slices``, MONAI 1.6), in its order.

    Args:
        shape: (I, J, K) of the volume.
        window: Of the bundle.
    """
    size, padded, before = _padded(shape, window)
    starts = [_stock_starts(*one) for one in zip(padded, size, window.overlap, strict=True)]
    return Plan(_three(padded), _three(before), _three(size), (starts[0], starts[1], starts[2]))


def shifted_plan(shape: Shape, window: Window, box: Sequence[Span] | None = None) -> Plan:
    """As few windows over a box as overlap by half of what the bundle says, evenly spread: most overlap by more.

    They reach over the box rather than need padding.

    Args:
        shape: (I, J, K) of the volume.
        window: Of the bundle.
        box: What has to be covered along each axis; None for the whole volume.
    """
    size, padded, before = _padded(shape, window)
    spans = box or [(0, side) for side in shape]
    starts = [
        _shifted_starts(side, own, overlap, (first + pad, last + pad))
        for side, own, overlap, (first, last), pad in zip(padded, size, window.overlap, spans, before, strict=True)
    ]
    return Plan(_three(padded), _three(before), _three(size), (starts[0], starts[1], starts[2]))


def batch_that_fits(window_bytes: float, free: int) -> int:
    """How many windows a device sees at once; never another result, since no window knows of the others.

    Args:
        window_bytes: That one takes on its way through the network.
        free: Bytes of the device that are free.
    """
    return max(1, min(MOST_AT_ONCE, int(FREE_SHARE * free / window_bytes)))


def window_weights(size: Sequence[int], window: Window) -> torch.Tensor:
    """What each voxel of a window counts (I, J, K) in fp32: 1, or a Gaussian about the centre as MONAI's.

    A side of one voxel counts 1 wherever it lies. No voxel counts less than LEAST_WEIGHT, nor less than the least
    of the Gaussian.
    """
    if window.blend == "constant":
        return torch.ones(tuple(size))
    weights = torch.ones(())
    for side, sigma in zip(size, window.sigma, strict=True):
        places = torch.arange(-(side - 1) / 2.0, (side - 1) / 2.0 + 1, dtype=torch.float)
        weights = weights.unsqueeze(-1) * torch.exp(places**2 / (-2 * (side * sigma) ** 2))
    return weights.clamp_(min=max(float(weights.min()), LEAST_WEIGHT))


def _padded(shape: Shape, window: Window) -> tuple[list[int], list[int], list[int]]:
    size = [own or side for own, side in zip(window.size, shape, strict=True)]
    padded = [max(own, side) for own, side in zip(size, shape, strict=True)]
    return size, padded, [(whole - side) // 2 for whole, side in zip(padded, shape, strict=True)]


def _stock_starts(side: int, size: int, overlap: float) -> tuple[int, ...]:
    step = _step(size, overlap)
    return tuple(min(n * step, side - size) for n in range(_count(side, size, step)))


def _shifted_starts(side: int, size: int, overlap: float, span: Span) -> tuple[int, ...]:
    first, last = span
    count = _count(last - first, size, _step(size, overlap * LEAST_OVERLAP))
    if count == 1:
        return (min(max(first - (size - (last - first)) // 2, 0), side - size),)
    return tuple(first + round(n * (last - first - size) / (count - 1)) for n in range(count))


def _step(size: int, overlap: float) -> int:
    return max(int(size * (1 - overlap)), 1)


def _count(side: int, size: int, step: int) -> int:
    return 1 + math.ceil(max(side - size, 0) / step)


def _three(values: Sequence[int]) -> tuple[int, int, int]:
    i, j, k = values
    return i, j, k
