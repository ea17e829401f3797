"""Patch, batch and network for the images and a limit of memory: the first of a fixed row of candidates that fits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from medseg.core.types import Shape
from medseg.planning import recipe_defaults as defaults
from medseg.planning.memory import Demand, demand
from medseg.planning.networks import NETWORKS, Network
from medseg.planning.topology import plan_topology


@dataclass(frozen=True)
class Frame:
    """What patch and network must fit.

    Attributes:
        shape: Median study at the target spacing, (I, J, K).
        spacing_mm: Target; below 0 along an axis that is left as it is.
        thin_axis: The axis that a 2D network does not see; None in 3D.
        largest: Study with most voxels, stored or prepared.
        voxels: Of all studies.
        channels: Of the input.
        classes: Of the output, background included.
        network: Row of ``NETWORKS``, or "auto".
        device: "cpu", "cuda" or "mps".
    """

    shape: Shape
    spacing_mm: tuple[float, ...]
    thin_axis: int | None
    largest: Shape
    voxels: float
    channels: int
    classes: int
    network: str
    device: str

    def seen(self, values: Sequence[float]) -> tuple[float, ...]:
        """Values of the axes the network sees."""
        return tuple(value for axis, value in enumerate(values) if axis != self.thin_axis)


@dataclass(frozen=True)
class Fit:
    """One candidate.

    Attributes:
        patch: (I, J, K); 1 along the axis that a 2D network does not see.
        batch: Patches of a step.
        network: For this patch.
        demand: Memory by formula.
        gflop: Work of a step.
        shrunk: How many candidates before it were too large.
        largest_patch: Patch of the first candidate: the whole median study, made divisible.
        largest_batch: Its batch.
    """

    patch: Shape
    batch: int
    network: Network
    demand: Demand
    gflop: float
    shrunk: int = 0
    largest_patch: Shape = ()
    largest_batch: int = 0

    @property
    def patch_is_cut(self) -> bool:
        """Whether the patch was made smaller to stay within a limit."""
        return self.shrunk > 0 and self.patch != self.largest_patch

    @property
    def batch_is_cut(self) -> bool:
        """Whether the batch alone was: its patch is still the largest."""
        return self.shrunk > 0 and not self.patch_is_cut


def choose_fit(frame: Frame, memory_gib: float, *, smaller: int = 0) -> Fit | None:
    """The largest candidate within the limit.

    Args:
        frame: What it must fit.
        memory_gib: Limit.
        smaller: How many candidates that would fit by the formula to pass over: a probe showed they do not. Where there
            are not so many, the smallest is taken.

    Returns:
        None where not even the smallest patch fits.
    """
    row = list(candidates(frame))
    largest = row[0]
    fitting = [
        replace(fit, shrunk=number, largest_patch=largest.patch, largest_batch=largest.batch)
        for number, fit in enumerate(row)
        if fit.demand.gib <= memory_gib
    ]
    light = [fit for fit in fitting if fit.gflop <= defaults.MOST_GFLOP.get(frame.device, math.inf)]
    chosen = light or fitting[-1:]  # a step of the smallest patch may take long; there is no smaller one
    return chosen[min(smaller, len(chosen) - 1)] if chosen else None


def least_fit(frame: Frame) -> Fit:
    """The candidate that needs the least memory."""
    return min(candidates(frame), key=lambda fit: fit.demand.gib)


def candidates(frame: Frame) -> Iterator[Fit]:
    """From the whole median study in the largest batch down to one smallest patch."""
    patch = _first_patch(frame)
    for batch in _batches(frame, patch):
        yield _fit(frame, patch, batch)
    while (smaller := _shrunk(frame, patch)) is not None:
        patch = smaller
        yield _fit(frame, patch, 1)


def _first_patch(frame: Frame) -> Shape:
    """The median study, made divisible: larger where that pads little, smaller where it would pad much."""
    divisor = _network(frame, frame.shape).divisor
    sides = []
    for side, unit in zip(frame.seen(frame.shape), divisor, strict=True):
        up = math.ceil(side / unit) * unit
        sides.append(int(up if up <= side * (1 + defaults.MOST_PADDING) or up == unit else up - unit))
    units = _network(frame, _whole(frame, sides)).divisor  # rounding may have made room for one halving more
    return _whole(frame, [max(side // unit, 1) * unit for side, unit in zip(sides, units, strict=True)])


def _batches(frame: Frame, patch: Shape) -> list[int]:
    voxels = math.prod(patch)
    if frame.thin_axis is not None:
        low, high = defaults.BATCHES_2D
        first = min(max(2 ** int(math.log2(max(defaults.PIXELS / voxels, 1))), low), high)
    else:
        share = defaults.DATA_SHARE_ON_GPU * frame.voxels / voxels
        most = defaults.BATCH_ON_GPU if frame.device == "cuda" else defaults.BATCH
        first = int(min(max(share, defaults.BATCH), most))
    return [first // 2**n for n in range(first.bit_length()) if first // 2**n >= 1]


def _shrunk(frame: Frame, patch: Shape) -> Shape | None:
    """The patch with its longest side, in millimetres, made shorter by a step; None where no side may be."""
    sides, lengths = frame.seen(patch), frame.seen(frame.spacing_mm)
    units = _network(frame, patch).divisor
    free = [n for n, side in enumerate(sides) if side - units[n] >= max(defaults.SMALLEST_EDGE, units[n])]
    if not free:
        return None
    longest = max(free, key=lambda n: sides[n] * lengths[n])
    return _whole(frame, [int(side) - units[n] * (n == longest) for n, side in enumerate(sides)])


def _fit(frame: Frame, patch: Shape, batch: int) -> Fit:
    network = _network(frame, patch)
    seen = tuple(int(side) for side in frame.seen(patch))
    needed = demand(
        network, seen, batch, channels=frame.channels, classes=frame.classes, largest=frame.largest, device=frame.device
    )
    return Fit(patch, batch, network, needed, batch * network.gflop(seen))


def _network(frame: Frame, patch: Sequence[float]) -> Network:
    size = [int(side) for side in frame.seen(patch)]
    topology = plan_topology(size, frame.seen(frame.spacing_mm), most_halvings=min(defaults.MOST_HALVINGS.values()))
    name = frame.network
    if name == "auto":
        name = defaults.AUTO["2d" if frame.thin_axis is not None else "even" if topology.is_even else "uneven"]
    topology = plan_topology(size, frame.seen(frame.spacing_mm), most_halvings=defaults.MOST_HALVINGS[name])
    return NETWORKS[name](topology, frame.channels, frame.classes, defaults.first_filters(name, frame.device))


def _whole(frame: Frame, sides: Sequence[int]) -> Shape:
    """Sides as seen by the network, with a 1 along the axis it does not see."""
    whole = list(sides)
    if frame.thin_axis is not None:
        whole.insert(frame.thin_axis, 1)
    return tuple(whole)
