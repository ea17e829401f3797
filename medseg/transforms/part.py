"""The part of a scan that its chain will keep, cut out before the chain copies the whole of it several times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medseg.core.types import Affine, Shape
from medseg.core.volume import Volume

# Far below what MONAI resamples for, an entry of the affine that changes by a thousandth: spacings, and what axes that
# lean on each other make of the longest side.
_SAME_MM = 1e-6
_LEANING_VOXELS = 1e-4


@dataclass(frozen=True)
class Part:
    """A box of voxels.

    Attributes:
        volume: The box, placed in the patient where it was.
        corner: Its first voxel in the whole.
        whole: Shape of the whole, (I, J, K).
        affine_ras: Of the whole.
    """

    volume: Volume
    corner: tuple[int, int, int]
    whole: Shape
    affine_ras: Affine


def all_of(volume: Volume) -> Part:
    """The whole volume."""
    return Part(volume, (0, 0, 0), volume.shape, volume.affine_ras)


def above_zero(volume: Volume, spacing_mm: float) -> Part:
    """The box of the voxels above 0 in any channel, in memory of its own; all of the volume where there are none.

    Args:
        volume: Float32 (C, I, J, K).
        spacing_mm: All of the volume where its spacing is another along any axis; 0 for any spacing.
    """
    if spacing_mm and not _is_kept(volume, spacing_mm):
        return all_of(volume)
    above = np.zeros(volume.shape, bool)
    for channel in volume.array:
        above |= channel > 0
    spans = [np.flatnonzero(above.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    if not len(spans[0]):
        return all_of(volume)
    i, j, k = ((int(span[0]), int(span[-1]) + 1) for span in spans)
    box = (slice(None), slice(*i), slice(*j), slice(*k))
    place = volume.affine_ras.copy()
    place[:3, 3] += volume.affine_ras[:3, :3] @ [i[0], j[0], k[0]]
    cut = Volume(volume.array[box].copy(), place)
    return Part(cut, (i[0], j[0], k[0]), volume.shape, volume.affine_ras)


def _is_kept(volume: Volume, spacing_mm: float) -> bool:
    """Whether a chain that resamples to this spacing leaves the voxels as they are."""
    sizes = np.asarray(volume.spacing_mm)
    directions = volume.affine_ras[:3, :3] / sizes
    leaning = np.abs(directions.T @ directions - np.eye(3)).max() * max(volume.shape)
    return bool(np.abs(sizes - spacing_mm).max() <= _SAME_MM and leaning <= _LEANING_VOXELS)
