"""What is known of an image file before its voxels are read."""

from __future__ import annotations

from dataclasses import dataclass

from medseg.core.types import Affine, Shape


@dataclass(frozen=True)
class Header:
    """Shape, place and storage of a file.

    Attributes:
        shape: Spatial shape (I, J, K).
        channels: Length of the fourth axis; 1 for a 3D file, 3 for an RGB picture.
        affine_ras: (4, 4), voxel (i, j, k) to RAS+ millimetres.
        dtype: How voxels are stored, for example "int16".
    """

    shape: Shape
    channels: int
    affine_ras: Affine
    dtype: str
