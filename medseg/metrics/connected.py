"""What of a mask hangs together, and what lies a few voxels around it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from medseg.core.errors import GeometryError
from medseg.core.types import BoolArray
from medseg.metrics.boxes import Box

Parts = npt.NDArray[np.int32]

# Neighbours to how many steps along axes lead to the furthest of them, by the number of axes.
_REACH = {2: {4: 1, 8: 2, 6: 1, 18: 2, 26: 2}, 3: {6: 1, 18: 2, 26: 3}}


def connected_parts(mask: BoolArray, connectivity: int) -> tuple[Parts, int]:
    """Number the connected parts of a mask.

    Args:
        mask: Boolean, (I, J, K) or (I, J).
        connectivity: 6, 18 or 26 neighbours; in 2D 4 or 8 (6 is then 4, 18 and 26 are 8).

    Returns:
        Part numbers from 1, 0 outside, and how many there are.

    Raises:
        GeometryError: The connectivity is none of a mask with that many axes.
    """
    parts, count = ndimage.label(mask, structure=_neighbours(mask.ndim, connectivity))
    return parts, int(count)


def grow(mask: BoolArray, steps: int) -> BoolArray:
    """Add the neighbours by face or edge (18; in 2D all 8) to a mask, a few times over; 0 steps give it back."""
    if not steps or not mask.any():
        return mask
    grown: BoolArray = ndimage.binary_dilation(mask, _neighbours(mask.ndim, 18), iterations=steps)
    return grown


def boxes_of(parts: Parts) -> list[Box]:
    """The box of each numbered part; of part 1 first."""
    return list(ndimage.find_objects(parts))


def widen(box: Box, margin: int) -> Box:
    """A box with some voxels more on every side; it ends where the image begins, and may reach beyond its end."""
    return tuple(slice(max(0, span.start - margin), span.stop + margin) for span in box)


def _neighbours(axes: int, connectivity: int) -> BoolArray:
    reach = _REACH.get(axes, {}).get(connectivity)
    if reach is None:
        raise GeometryError(
            f"A mask with {axes} axes has no {connectivity}-connectivity; 3D has 6, 18, 26, 2D has 4, 8."
        )
    structure: BoolArray = ndimage.generate_binary_structure(axes, reach)
    return structure
