"""The networks a plan can choose from: each a row of NETWORKS, from topology and channels to its lines and its cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medseg.core.types import Shape
from medseg.planning.convolutions import (
    Convolution,
    dynunet_convolutions,
    segresnet_convolutions,
    unet_convolutions,
)
from medseg.planning.recipe_defaults import MOST_FILTERS
from medseg.planning.topology import Topology, halved_alike, multiples
from medseg.planning.yaml_text import Row

# Bytes that a training step keeps per value a convolution writes: measured on a CPU in bf16, fp32 needs about as much.
_KEPT = {"unet": 20.0, "dynunet": 14.0, "segresnet": 12.0}
_DYNUNET_STEPS = 2  # MONAI builds it of three levels or more
_SEGRESNET_BLOCKS = (1, 2, 2, 4)  # residual blocks of each level on the way down


@dataclass(frozen=True)
class Network:
    """A network for one data set.

    Attributes:
        name: Row of ``NETWORKS``.
        target: Its class.
        rows: Arguments with their reasons, behind spatial_dims, in_channels and out_channels.
        topology: As this network carries it out.
        in_words: For the card: "residual U-Net, 4 levels, 32 to 256 filters".
        layers: Its convolutions for one patch, by the size of the patch.
    """

    name: str
    target: str
    rows: tuple[Row, ...]
    topology: Topology
    in_words: str
    layers: Callable[[Shape], Sequence[Convolution]]

    @property
    def divisor(self) -> Shape:
        """What the sides of a patch must be multiples of."""
        return self.topology.divisor

    @property
    def parameters(self) -> int:
        """Weights of its convolutions; biases and norms add about one in a hundred."""
        return sum(layer.weights for layer in self.layers(self.divisor))

    def gflop(self, patch: Shape) -> float:
        """Multiplications and additions of a training step on one patch, in thousand millions: once on, twice back."""
        return 3 * sum(layer.flop for layer in self.layers(patch)) / 1e9

    def kept_gib(self, patch: Shape) -> float:
        """Memory that one patch holds until its backward pass."""
        return _KEPT[self.name] * sum(layer.written * layer.outputs for layer in self.layers(patch)) / 2**30


Make = Callable[[Topology, int, int, int], Network]


def _unet(topology: Topology, channels: int, classes: int, first: int) -> Network:
    """Residual U-Net of MONAI whose first convolution already halves the grid."""
    filters = _filters(len(topology.strides) + 1, first)
    kernel = topology.kernels[len(topology.kernels) // 2]  # one for all levels: that of the middle
    alike = Topology((kernel,) * len(topology.kernels), topology.strides)
    flat = (
        Row("kernel_size", list(kernel), "1 along thick slices"),
        Row("up_kernel_size", list(kernel), "as on the way down"),
    )
    rows = (
        Row(
            "channels", filters, f"filters of the {len(filters)} levels; window sides are {multiples(topology.divisor)}"
        ),
        Row("strides", _short(topology.strides), "the first convolution halves the grid: more steps per minute of CPU"),
        *(flat if 1 in kernel else ()),
        Row("num_res_units", 2, "residual convolutions of each level on the way down"),
        Row("norm", ["instance", {"affine": True}], "by study: batches are small"),
    )
    return Network(
        name="unet",
        target="monai.networks.nets.UNet",
        rows=rows,
        topology=alike,
        in_words=f"residual U-Net (MONAI's UNet), {_in_words(filters)}",
        layers=lambda patch: list(unet_convolutions(patch, filters, alike, channels, classes)),
    )


def _dynunet(topology: Topology, channels: int, classes: int, first: int) -> Network:
    """Residual U-Net of MONAI at full resolution, with kernels and strides per level."""
    deep = _deepened(topology, _DYNUNET_STEPS)
    filters = _filters(len(deep.kernels), first)
    strides = [(1,) * len(deep.divisor), *deep.strides]
    rows = (
        Row("filters", filters, f"of the {len(filters)} levels; window sides are {multiples(deep.divisor)}"),
        Row("kernel_size", _short(deep.kernels), _waiting(deep)),
        Row("strides", _short(strides), f"the first level keeps the grid{_uneven(deep)}"),
        Row("upsample_kernel_size", _short(deep.strides), "undoes the strides"),
        Row("norm_name", ["instance", {"affine": True}], "by study: batches are small"),
        Row("res_block", True, "residual convolutions learn faster at the start"),
    )
    return Network(
        name="dynunet",
        target="monai.networks.nets.DynUNet",
        rows=rows,
        topology=deep,
        in_words=f"residual U-Net (MONAI's DynUNet), {_in_words(filters)}",
        layers=lambda patch: list(dynunet_convolutions(patch, filters, deep, channels, classes)),
    )


def _segresnet(topology: Topology, channels: int, classes: int, first: int) -> Network:
    """Residual encoder-decoder with group norm; it halves all axes alike."""
    steps = min(len(_SEGRESNET_BLOCKS) - 1, len(topology.strides))
    even = halved_alike(topology, steps)
    down = list(_SEGRESNET_BLOCKS[: steps + 1])
    rows = (
        Row("init_filters", first, f"of the first of {steps + 1} levels; window sides are {multiples(even.divisor)}"),
        Row("blocks_down", down, "residual blocks of each level"),
        Row("blocks_up", [1] * steps, "on the way up"),
    )
    return Network(
        name="segresnet",
        target="monai.networks.nets.SegResNet",
        rows=rows,
        topology=even,
        in_words=f"SegResNet of MONAI, {_in_words([first, first * 2**steps], steps + 1)}, group norm",
        layers=lambda patch: list(segresnet_convolutions(patch, first, even, down, channels, classes)),
    )


NETWORKS: Mapping[str, Make] = {"unet": _unet, "dynunet": _dynunet, "segresnet": _segresnet}


def _filters(levels: int, first: int) -> list[int]:
    return [min(first * 2**level, MOST_FILTERS) for level in range(levels)]


def _deepened(topology: Topology, steps: int) -> Topology:
    """A topology of so many steps or more; those that are lacking halve all axes that the last one halves."""
    more = max(0, steps - len(topology.strides))
    return Topology(
        (*topology.kernels, *topology.kernels[-1:] * more), (*topology.strides, *topology.strides[-1:] * more)
    )


def _in_words(filters: Sequence[int], levels: int = 0) -> str:
    return f"{levels or len(filters)} levels, {filters[0]} to {filters[-1]} filters"


def _short(steps: Sequence[Shape]) -> list[Any]:
    return [step[0] if len(set(step)) == 1 else list(step) for step in steps]


def _waiting(topology: Topology) -> str:
    waiting = sum(1 in kernel for kernel in topology.kernels)
    if not waiting:
        return "voxels are about as long along every axis"
    levels = "level" if waiting == 1 else f"{waiting} levels"
    return f"1 along thick slices in the first {levels}, until the others have been halved to their length"


def _uneven(topology: Topology) -> str:
    """Why the axes are not halved alike; empty where they are."""
    if topology.is_even:
        return ""
    if 1 in topology.kernels[0]:  # only voxels that are long from the start have no neighbours to compare
        return "; an axis of thick slices is halved once the others have caught up"
    return "; an axis that has become too short is not halved again"
