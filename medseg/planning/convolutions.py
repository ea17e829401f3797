"""The convolutions of each network, layer by layer, so that weights, work and memory are known before one is built."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from medseg.core.types import Shape
from medseg.planning.topology import Topology


@dataclass(frozen=True)
class Convolution:
    """One layer.

    Attributes:
        places: Voxels at which its kernel is applied: those of its output, or of its input where it enlarges.
        inputs: Channels in.
        outputs: Channels out.
        kernel: Weights per pair of channels.
        written: Voxels of its output.
    """

    places: float
    inputs: int
    outputs: int
    kernel: int
    written: float

    @property
    def weights(self) -> int:
        """Numbers it learns, without a bias."""
        return self.inputs * self.outputs * self.kernel

    @property
    def flop(self) -> float:
        """Multiplications and additions of one forward pass."""
        return 2.0 * self.places * self.inputs * self.outputs * self.kernel


def unet_convolutions(
    patch: Shape, filters: Sequence[int], topology: Topology, channels: int, classes: int
) -> Iterator[Convolution]:
    """Those of MONAI's UNet with two residual convolutions a level, whose first one already halves the grid."""
    kernel = math.prod(topology.kernels[0])
    sizes = _sizes(patch, topology.strides)
    before = channels
    for level, width in enumerate(filters):
        bottom = level == len(filters) - 1
        places = sizes[level if bottom else level + 1]
        yield Convolution(places, before, width, kernel, places)
        yield Convolution(places, width, width, kernel, places)
        yield Convolution(places, before, width, 1 if bottom else kernel, places)
        before = width
    for level in reversed(range(len(filters) - 1)):
        joined = filters[level] + (filters[level + 1] if level == len(filters) - 2 else filters[level])
        width = filters[level - 1] if level else classes
        yield Convolution(sizes[level + 1], joined, width, kernel, sizes[level])
        yield Convolution(sizes[level], width, width, kernel, sizes[level])


def dynunet_convolutions(
    patch: Shape, filters: Sequence[int], topology: Topology, channels: int, classes: int
) -> Iterator[Convolution]:
    """Those of MONAI's DynUNet with residual blocks and one output."""
    sizes = _sizes(patch, topology.strides)
    before = channels
    for level, width in enumerate(filters):
        kernel, places = math.prod(topology.kernels[level]), sizes[level]
        yield Convolution(places, before, width, kernel, places)
        yield Convolution(places, width, width, kernel, places)
        if before != width or level:  # a block that changes neither channels nor grid adds its input as it is
            yield Convolution(places, before, width, 1, places)
        before = width
    for level in reversed(range(len(filters) - 1)):
        width, stride = filters[level], math.prod(topology.strides[level])
        kernel = math.prod(topology.kernels[level + 1])
        yield Convolution(sizes[level + 1], filters[level + 1], width, stride, sizes[level])
        yield Convolution(sizes[level], 2 * width, width, kernel, sizes[level])
        yield Convolution(sizes[level], width, width, kernel, sizes[level])
    yield Convolution(sizes[0], filters[0], classes, 1, sizes[0])


def segresnet_convolutions(
    patch: Shape, first: int, topology: Topology, down: Sequence[int], channels: int, classes: int
) -> Iterator[Convolution]:
    """Those of MONAI's SegResNet with one block a level on the way up, which enlarges without weights."""
    kernel = math.prod(topology.kernels[0])
    sizes = _sizes(patch, topology.strides)
    yield Convolution(sizes[0], channels, first, kernel, sizes[0])
    for level, blocks in enumerate(down):
        width = first * 2**level
        if level:
            yield Convolution(sizes[level], width // 2, width, kernel, sizes[level])
        yield from [Convolution(sizes[level], width, width, kernel, sizes[level])] * (2 * blocks)
    for level in reversed(range(len(down) - 1)):
        width = first * 2**level
        yield Convolution(sizes[level + 1], 2 * width, width, 1, sizes[level])
        yield from [Convolution(sizes[level], width, width, kernel, sizes[level])] * 2
    yield Convolution(sizes[0], first, classes, 1, sizes[0])


def _sizes(patch: Shape, strides: Sequence[Shape]) -> list[float]:
    """Voxels of each level."""
    sizes = [float(math.prod(patch))]
    for step in strides:
        sizes.append(sizes[-1] / math.prod(step))
    return sizes
