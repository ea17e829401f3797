"""What the transforms of a chain take, measured on a small scan of the same spacing: it grows with the voxels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from medseg.core.types import Affine
from medseg.core.volume import Volume
from medseg.engine.inference import Predictor, Ready, Seen
from medseg.engine.peak import peak_of
from medseg.transforms.part import Part, all_of

SIDE = 40  # voxels; what does not grow with them is small beside what does


@dataclass(frozen=True)
class Costs:
    """What a voxel of a scan costs.

    Attributes:
        image: Voxels of the preprocessed image for one of the scan.
        prepare: Bytes of preprocessing, beside the scan.
        finish: Bytes of what comes behind the label map, beside it.
    """

    image: float
    prepare: float
    finish: float


def rehearse(predictor: Predictor, channels: int, affine_ras: Affine) -> Costs:
    """Preprocess and finish a small scan, measured.

    Args:
        predictor: Its chain; no network runs.
        channels: Of the scan.
        affine_ras: Of the scan: direction and spacing decide what is resampled.
    """
    part = _small(channels, affine_ras)
    ready = predictor.prepare(part)
    seen = Seen(ready, torch.zeros(part.whole, dtype=torch.uint8))
    voxels = float(np.prod(part.whole))
    return Costs(
        float(np.prod(ready.image.shape[1:])) / voxels,
        peak_of(lambda: predictor.prepare(part)) / voxels,
        peak_of(lambda: predictor.finish(seen)) / voxels if ready.back is not None else _whole_chain(ready) / voxels,
    )


def _small(channels: int, affine_ras: Affine) -> Part:
    """Voxels all above 0, so that nothing is cropped."""
    voxels = np.random.default_rng(0).random((channels, SIDE, SIDE, SIDE), np.float32) + 0.5
    return all_of(Volume(voxels, affine_ras))


def _whole_chain(ready: Ready) -> float:
    """Bytes of a bundle's own postprocessing, not run here as it wants what a network says: a few copies of that."""
    return 3.0 * 4 * float(np.prod(ready.image.shape))


def spacing_key(affine_ras: Affine) -> Sequence[float]:
    """Direction and spacing as far as they matter here."""
    return [round(float(value), 1) for value in affine_ras[:3, :3].ravel()]
