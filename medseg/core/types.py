"""Names for the array shapes that travel through medseg."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]
LabelArray = npt.NDArray[np.uint8]  # (I, J, K) class indices or written values
BoolArray = npt.NDArray[np.bool_]
Affine = npt.NDArray[np.float64]  # (4, 4), voxel index to RAS+ millimetres
Shape = tuple[int, ...]
