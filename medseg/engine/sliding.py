"""Blend the windows of a volume slab by slab, so that what the network says of all of it is never in memory at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch.nn import functional

from medseg.core.window import Window
from medseg.engine.sums import InMemory, MakeSums, zeros
from medseg.engine.windows import Plan, window_weights

Network = Callable[[torch.Tensor], torch.Tensor]  # (B, C, *window) to (B, classes, *window) in fp32
PLANES = 8  # of a slab: what is made of a slab takes several times its memory


class Slab(NamedTuple):
    """Planes of the volume that no further window reaches.

    Attributes:
        first: Index of the first along axis 0 of the volume.
        values: (classes, n, J, K), blended, in fp32; voxels that no window covers are nan.
    """

    first: int
    values: torch.Tensor


def slabs(
    image: torch.Tensor, network: Network, plan: Plan, window: Window, *, make_sums: MakeSums = InMemory
) -> Iterator[Slab]:
    """What a network says of a volume, in planes along axis 0, first to last.

    Sums are kept for as many planes as a window has: classes x window x J x K floats. They are added in the order of
    MONAI's ``sliding_window_inference``, so that with ``stock_plan`` the blended values equal its own to the bit.

    Args:
        image: Preprocessed (C, I, J, K).
        network: Sees a batch of windows.
        plan: Where they lie.
        window: How they are blended and padded, and how many the network sees at once.
        make_sums: Makes the array of the sums.
    """
    padded = _pad(image, plan, window)
    inside = [slice(before, before + side) for before, side in zip(plan.before, image.shape[1:], strict=True)]
    for slab in _blended(padded, network, plan, window, make_sums):
        first, last = max(slab.first, inside[0].start), min(slab.first + slab.values.shape[1], inside[0].stop)
        if last > first:
            planes = slice(first - slab.first, last - slab.first)
            yield Slab(first - plan.before[0], slab.values[:, planes, inside[1], inside[2]])


def _blended(image: torch.Tensor, network: Network, plan: Plan, window: Window, make_sums: MakeSums) -> Iterator[Slab]:
    """The same of a volume that needs no padding."""
    corners, weights = plan.corners(), window_weights(plan.size, window)
    band: _Band | None = None
    for begin in range(0, len(corners), window.batch):
        group = corners[begin : begin + window.batch]
        logits = network(torch.stack([image[_cut(corner, plan.size)] for corner in group]))
        band = band or _Band(logits.shape[1], plan, weights, make_sums)
        for corner, values in zip(group, logits, strict=True):
            yield from band.finish(corner[0])
            band.add(corner, values)
    if band is not None:
        yield from band.finish(plan.covered[0][1])


class _Band:
    """Weighted sums over the planes that windows still reach."""

    def __init__(self, classes: int, plan: Plan, weights: torch.Tensor, make_sums: MakeSums) -> None:
        sides = (plan.size[0], *plan.shape[1:])
        self.first, self.size = plan.starts[0][0], plan.size
        self.kept = make_sums((classes, *sides))
        self.sums = self.kept.array
        self.weights = weights.to(self.sums.device)
        self.counts = zeros(sides, self.sums.device)

    def add(self, corner: Sequence[int], values: torch.Tensor) -> None:
        part = _cut((corner[0] - self.first, *corner[1:]), self.size)
        # Two steps, as MONAI does: a fused one would round once less.
        self.sums[part] += values.to(self.sums.device) * self.weights
        self.counts[part[1:]] += self.weights
        self.kept.settle()

    def finish(self, upto: int) -> Iterator[Slab]:
        """The planes before ``upto``, few at a time; makes room behind those that stay."""
        done = upto - self.first
        for begin in range(0, done, PLANES):
            planes = slice(begin, min(begin + PLANES, done))
            yield Slab(self.first + begin, self.sums[:, planes] / self.counts[planes])
        if done:
            _move_up(self.sums.movedim(1, 0), done)
            _move_up(self.counts, done)
            self.first = upto
            self.kept.settle()


def _move_up(planes: torch.Tensor, count: int) -> None:
    """Drop the first planes, in place and one at a time: a copy of the rest might not fit into memory."""
    kept = max(len(planes) - count, 0)
    for n in range(kept):
        planes[n] = planes[n + count]
    planes[kept:] = 0


def _cut(corner: Sequence[int], size: Sequence[int]) -> tuple[slice, ...]:
    return (slice(None), *(slice(first, first + side) for first, side in zip(corner, size, strict=True)))


def _pad(image: torch.Tensor, plan: Plan, window: Window) -> torch.Tensor:
    sides = [
        (before, whole - side - before)
        for before, whole, side in zip(plan.before, plan.shape, image.shape[1:], strict=True)
    ]
    if not any(map(any, sides)):
        return image
    amounts = [amount for pair in reversed(sides) for amount in pair]
    value = window.pad_value if window.padding == "constant" else None
    return functional.pad(image[None], amounts, mode=window.padding, value=value)[0]
