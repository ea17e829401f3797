"""A volume: voxels and their place in the patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from medseg.core.geometry import spacing_of
from medseg.core.types import Affine, Shape


@dataclass(frozen=True)
class Volume:
    """Voxels with their place in the patient.

    Attributes:
        array: Shape (C, I, J, K).
        affine_ras: (4, 4), voxel (i, j, k) to RAS+ millimetres.
    """

    array: npt.NDArray[np.generic[Any]]
    affine_ras: Affine

    def without_voxels(self) -> Volume:
        """Its place alone: every voxel is nan, in the memory of one, so that none can be taken for a measured one."""
        return Volume(np.broadcast_to(np.float32(np.nan), self.array.shape), self.affine_ras)

    @property
    def shape(self) -> Shape:
        """Spatial shape (I, J, K)."""
        return tuple(self.array.shape[1:])

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel size along i, j, k."""
        return spacing_of(self.affine_ras)
