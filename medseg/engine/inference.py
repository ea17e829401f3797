"""From a volume as read to a label map on the same grid, through a bundle's own chain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from monai.data import MetaTensor
from monai.inferers import Inferer
from monai.transforms import Compose
from torch import nn

from medseg.core.errors import GeometryError
from medseg.core.types import LabelArray
from medseg.core.volume import Volume
from medseg.engine.device import Precision
from medseg.engine.scoring import predict_classes
from medseg.transforms.prepared import preprocess


@dataclass(frozen=True)
class Predictor:
    """A bundle's network with its chain, ready to segment.

    Attributes:
        network: With trained weights, on ``device``.
        preprocessing: The bundle's chain behind its LoadImaged.
        inferer: The bundle's window.
        postprocessing: The bundle's chain before its SaveImaged; ends on the native grid.
        device: Where the network runs.
        precision: Its arithmetic; fp32 gives what stock MONAI gives, voxel for voxel.
    """

    network: nn.Module
    preprocessing: Compose
    inferer: Inferer
    postprocessing: Compose
    device: torch.device
    precision: Precision

    def predict(self, volume: Volume) -> LabelArray:
        """Written label values (I, J, K) on the grid of ``volume``.

        Args:
            volume: Float32 (C, I, J, K), channels in the bundle's order.

        Raises:
            GeometryError: The bundle's postprocessing does not come back to the input's grid.
        """
        image = preprocess(volume, self.preprocessing)
        logits = predict_classes(
            image.as_tensor(), self.network, self.inferer, device=self.device, precision=self.precision
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
