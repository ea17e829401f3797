"""The window of a bundle for pictures, which sees planes where the rest of medseg sees volumes one voxel thick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from monai.inferers import Inferer

from medseg.core.errors import GeometryError


@dataclass(frozen=True)
class PlaneInferer:
    """Hands the plane of volumes (B, C, I, J, 1) to an inferer of planes (B, C, I, J); called as MONAI's inferers are.

    Attributes:
        inferer: Of planes.
    """

    inferer: Inferer

    def __call__(self, inputs: torch.Tensor, network: Callable[..., Any], *args: Any, **kwargs: Any) -> torch.Tensor:
        """Logits (B, classes, I, J, 1).

        Raises:
            GeometryError: The volumes are thicker than one voxel.
        """
        if inputs.shape[-1] != 1:
            raise GeometryError(
                f"the bundle segments pictures, one plane each; this volume has {inputs.shape[-1]}. Take a bundle for "
                "volumes"
            )
        return torch.as_tensor(self.inferer(inputs[..., 0], network, *args, **kwargs))[..., None]
