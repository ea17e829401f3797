"""What is read from a file as label values, whatever its format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from medseg.core.errors import FileError
from medseg.core.types import LabelArray

INSTANCES_CURE = (
    'where values number objects of one label, say so: "instances": true in dataset.json, or '
    "instances: true beside the label's value in the bundle's evaluate.yaml"
)


def label_values(path: Path, voxels: npt.NDArray[Any], *, instances: bool) -> LabelArray:
    """Voxels of a label map as uint8, in C order.

    Args:
        path: Where they were read, for messages.
        voxels: Of any type and shape.
        instances: Values number objects of one label: all above 0 become 1.

    Raises:
        FileError: A value is not a whole number from 0 to 255; with ``instances``, not one from 0 on.
    """
    if voxels.dtype.kind in "ub" and (voxels.dtype.itemsize == 1 or instances):
        return np.ascontiguousarray(voxels > 0 if instances else voxels, dtype=np.uint8)
    most = np.inf if instances else 255
    wrong = ~((voxels >= 0) & (voxels <= most) & (voxels == np.floor(voxels)))  # NaN compares false
    if wrong.any():
        value, count = voxels[wrong].flat[0], int(np.count_nonzero(wrong))
        limit = "not negative" if instances else "from 0 to 255"
        cure = "" if instances or not value > 255 else f"; {INSTANCES_CURE}"
        raise FileError(
            f"'{path}': {count} voxels such as {value:g} are no label values; these are whole numbers {limit}{cure}"
        )
    return np.ascontiguousarray(voxels > 0 if instances else voxels, dtype=np.uint8)
