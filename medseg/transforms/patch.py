"""Choose a patch of a study, holding foreground often enough, and cut it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from medseg.core.types import Shape

Centre = tuple[float, float, float]


def draw_centre(
    shape: Shape,
    patch: Shape,
    positions: Mapping[int, npt.NDArray[np.int32]],
    *,
    foreground: float,
    generator: np.random.Generator,
) -> Centre:
    """Centre of a random patch, in voxels.

    With probability ``foreground`` it is a random voxel of a random class among those present, so
    that rare classes are seen as often as common ones; otherwise any place at which the patch lies
    in the volume. A study without labelled voxels gets random places. A patch larger than the
    volume along an axis covers it wholly, at a random offset.

    Args:
        shape: Of the volume, (I, J, K).
        patch: Of the patch, in voxels.
        positions: Class index to (n, 3) voxel positions.
        foreground: Share of patches centred on a labelled voxel, 0 to 1.
        generator: Source of the draw.
    """
    wants_foreground = generator.random() < foreground
    low, high = _range_inside(shape, patch)
    anywhere = low - 0.5 + generator.random(3) * (high - low + 1.0)  # rounded below: every place equally often
    if wants_foreground and positions:
        classes = sorted(positions)
        voxels = positions[classes[generator.integers(len(classes))]]
        centre = voxels[generator.integers(len(voxels))].astype(float)
        covers = np.asarray(patch) >= np.asarray(shape)
        moved = np.where(covers, anywhere, np.clip(centre, low, high))
    else:
        moved = anywhere
    # Whole voxels, so that a patch without rotation is a plain copy.
    half = (np.asarray(patch) - 1) / 2
    i, j, k = np.clip(np.round(moved - half), low - half, high - half) + half
    return float(i), float(j), float(k)


def _range_inside(shape: Shape, patch: Shape) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    size, half = np.asarray(shape, float), (np.asarray(patch) - 1) / 2
    first, last = half, size - 1 - half
    return np.minimum(first, last), np.maximum(first, last)


def cut(array: npt.NDArray[Any], start: Sequence[int], size: Shape) -> npt.NDArray[Any]:
    """Box of an array (…, I, J, K), zero where it reaches outside.

    Args:
        array: Any leading axes, then three spatial ones.
        start: First voxel along i, j, k; may be negative.
        size: Extent in voxels.
    """
    result = np.zeros((*array.shape[:-3], *size), array.dtype)
    (i, to_i), (j, to_j), (k, to_k) = (
        _overlap(first, extent, n) for first, extent, n in zip(start, size, array.shape[-3:], strict=True)
    )
    result[..., to_i, to_j, to_k] = array[..., i, j, k]
    return result


def _overlap(first: int, extent: int, n: int) -> tuple[slice, slice]:
    """Where a box lies in an axis of length n, and where that part lies in the box."""
    low = min(max(first, 0), n)
    high = max(min(first + extent, n), low)
    return slice(low, high), slice(low - first, high - first) if high > low else slice(0, 0)
