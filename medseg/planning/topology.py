"""How deep a network may go on a patch, and which axes it halves: an axis of thick slices waits for the others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from medseg.core.types import Shape

SMALLEST_EDGE = 4  # voxels of the deepest level along a halved axis; below it there is nothing left to compare
WAITS = 2.0  # an axis whose voxels are so many times as long as the shortest is neither halved nor convolved along


@dataclass(frozen=True)
class Topology:
    """Kernels and strides of a U-shaped network, level by level.

    Attributes:
        kernels: Per level the kernel along each axis: 3, or 1 where voxels are too long to compare neighbours.
        strides: Per step from one level to the next the stride along each axis: 2, or 1.
    """

    kernels: tuple[Shape, ...]
    strides: tuple[Shape, ...]

    @property
    def divisor(self) -> Shape:
        """What the sides of a patch must be multiples of."""
        return tuple(math.prod(steps) for steps in zip(*self.strides, strict=True))

    @property
    def is_even(self) -> bool:
        """Whether all axes are treated alike."""
        return all(len(set(step)) == 1 for step in (*self.kernels, *self.strides))


def multiples(divisor: Shape) -> str:
    """In words what the sides of a patch are multiples of."""
    return f"multiples of {', '.join(str(side) for side in (divisor[:1] if len(set(divisor)) == 1 else divisor))}"


def plan_topology(size: Sequence[int], spacing_mm: Sequence[float], *, most_halvings: int) -> Topology:
    """Topology for a patch.

    Args:
        size: Of the patch, in voxels, for the axes the network sees.
        spacing_mm: Voxel size along the same axes.
        most_halvings: No axis is halved more often.

    Returns:
        At least one step: a network without any is no U-Net.
    """
    size, spacing = list(size), list(spacing_mm)
    kernels, strides = [_kernel((1,) * len(size), spacing)], list[Shape]()
    while len(strides) < most_halvings and any(side >= 2 * SMALLEST_EDGE for side in size):
        step = _step(size, spacing)
        size = [side // stride for side, stride in zip(size, step, strict=True)]
        spacing = [length * stride for length, stride in zip(spacing, step, strict=True)]
        strides.append(step)
        kernels.append(_kernel(kernels[-1], spacing))
    if not strides:
        strides, kernels = [tuple(2 if side > 1 else 1 for side in size)], kernels * 2
    return Topology(tuple(kernels), tuple(strides))


def halved_alike(topology: Topology, steps: int) -> Topology:
    """A topology of so many steps that treats all axes alike, for networks that know no other."""
    axes = len(topology.kernels[0])
    return Topology(((3,) * axes,) * (steps + 1), ((2,) * axes,) * steps)


def _step(size: Sequence[int], spacing: Sequence[float]) -> Shape:
    """Halves the axes of the shortest voxels among those that are long enough to be halved."""
    shortest = min(length for side, length in zip(size, spacing, strict=True) if side >= 2 * SMALLEST_EDGE)
    return tuple(
        2 if side >= 2 * SMALLEST_EDGE and length < WAITS * shortest else 1
        for side, length in zip(size, spacing, strict=True)
    )


def _kernel(before: Shape, spacing: Sequence[float]) -> Shape:
    """Once neighbours are compared along an axis, they are at every deeper level."""
    near = [length < WAITS * min(spacing) for length in spacing]
    return tuple(3 if is_near or kernel == 3 else 1 for kernel, is_near in zip(before, near, strict=True))
