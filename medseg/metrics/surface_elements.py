"""What the surface of a mask consists of: voxels, or pieces of area between voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medseg.core.types import BoolArray
from medseg.metrics.element_sizes import element_sizes
from medseg.metrics.lattice import Lattice, Positions, Vector


@dataclass(frozen=True)
class Elements:
    """The surface of one mask.

    Attributes:
        points: (n,) places on the line, rising.
        size: (n,) what each counts for: 1, or its area in mm² (length in mm in 2D).
    """

    points: Positions
    size: Vector


def voxel_elements(mask: BoolArray, lattice: Lattice) -> Elements:
    """Foreground voxels with a background voxel across a face (6 in 3D, 4 in 2D), each counting 1.

    What lies outside the image is background.

    Args:
        mask: The line of ``lattice.place``.
        lattice: The line.
    """
    inside = mask.copy()
    for step in lattice.steps:
        inside[step:] &= mask[:-step]
        inside[:-step] &= mask[step:]
    points = np.flatnonzero(np.greater(mask, inside, out=inside))
    return Elements(points, np.ones(points.size))


def area_elements(mask: BoolArray, lattice: Lattice) -> Elements:
    """Voxel corners between foreground and background, each counting the area that marching cubes draws around it.

    Args:
        mask: The line of ``lattice.place``.
        lattice: The line; place p stands for the corner between voxel p and those before it along every axis.
    """
    codes = mask.view(np.uint8)
    for axis, step in enumerate(reversed(lattice.steps)):
        shifted = codes * np.uint8(1 << (1 << axis))  # a shift by 1, 2 and 4 bits; quicker than << on bytes
        shifted[step:] |= codes[:-step]
        codes = shifted
    sizes = element_sizes(lattice.spacing_mm)
    # The first code (all background) wraps to 255, which leaves the codes between first and last in one comparison.
    points = np.flatnonzero(np.subtract(codes, np.uint8(1), out=codes) < sizes.size - 2)
    return Elements(points, sizes[1:].take(codes[points]))


ELEMENTS = {"voxel": voxel_elements, "area": area_elements}
