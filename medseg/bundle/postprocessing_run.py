"""Run a bundle's steps over a label map that is already there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from monai.data import MetaTensor

from medseg.core.errors import GeometryError
from medseg.core.types import Affine, LabelArray

Chain = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def run_steps(labels: LabelArray, affine_ras: Affine, chain: Chain) -> LabelArray:
    """A label map behind a chain of steps, as the end of the bundle's own chain gives it.

    Args:
        labels: Written values (I, J, K), uint8.
        affine_ras: Of the map; its voxel size counts where a step has a volume.
        chain: As ``build_steps`` builds it; works on "pred".

    Raises:
        GeometryError: A step changed the shape.
    """
    given = MetaTensor(labels[None].astype(np.float32), affine=affine_ras)
    result = np.array(chain({"pred": given})["pred"].as_tensor().numpy()[0])
    if result.shape != labels.shape:
        raise GeometryError(f"a step made a label map of shape {labels.shape} one of {result.shape}")
    return result.astype(np.uint8)
