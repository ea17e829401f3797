"""From a volume as read to a label map on the same grid, through a bundle's own chain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Compose

from medseg.core.errors import GeometryError
from medseg.core.types import LabelArray
from medseg.core.volume import Volume
from medseg.engine.averaging import Member, averaged_logits
from medseg.engine.device import Precision
from medseg.transforms.prepared import preprocess


@dataclass(frozen=True)
class Predictor:
    """Networks with the chain they share, ready to segment.

    Attributes:
        members: One network, or several whose probabilities are averaged, each with its window; on ``device``.
        preprocessing: The bundle's chain behind its LoadImaged.
        postprocessing: The bundle's chain before its SaveImaged; ends on the native grid.
        device: Where the networks run.
        precision: Their arithmetic; fp32 of one network gives what stock MONAI gives, voxel for voxel.
        flip_axes: Axes of the preprocessed volume along which mirror images are averaged too; none for no average.
    """

    members: tuple[Member, ...]
    preprocessing: Compose
    postprocessing: Compose
    device: torch.device
    precision: Precision
    flip_axes: tuple[int, ...] = ()

    def predict(self, volume: Volume) -> LabelArray:
        """Written label values (I, J, K) on the grid of ``volume``.

        Args:
            volume: Float32 (C, I, J, K), channels in the bundle's order.

        Raises:
            GeometryError: The bundle's postprocessing does not come back to the input's grid.
        """
        image = preprocess(volume, self.preprocessing)
        logits = averaged_logits(
            image.as_tensor(), self.members, self.flip_axes, device=self.device, precision=self.precision
        )
        data = {"image": image, "pred": MetaTensor(logits.cpu(), meta=image.meta)}
        prediction = self.postprocessing(data)["pred"]
        array = np.asarray(torch.as_tensor(prediction).cpu().numpy()[0])
        if array.shape != volume.shape:
            raise GeometryError(
                f"the bundle's postprocessing gives a map of shape {array.shape}, the input has {volume.shape}; "
                "its Invertd must undo every step of preprocessing"
            )
        return array.astype(np.uint8)
