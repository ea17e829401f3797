"""A study as the network sees it: normalised voxels, classes on the same grid, and where the classes lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from monai.data import MetaTensor
from monai.transforms import Compose

from medseg.core.labels import map_values
from medseg.core.random import generator_for
from medseg.core.types import Affine, LabelArray
from medseg.core.volume import Volume
from medseg.transforms.align import align_label

# Voxels kept per class to centre patches on. Ten thousand positions are more than any study is drawn
# from, and keep the index of a whole-brain class under a quarter megabyte.
POSITIONS_PER_CLASS = 10_000


@dataclass(frozen=True)
class Prepared:
    """A preprocessed study.

    Attributes:
        id: Study id.
        image: Float32 (C, I, J, K), at the bundle's orientation and spacing.
        label: Class indices (I, J, K) on the same grid.
        positions: Class index to (n, 3) voxel positions of that class; classes that do not occur are left out.
        spacing_mm: Voxel size along i, j, k.
    """

    id: str
    image: npt.NDArray[np.float32]
    label: LabelArray
    positions: Mapping[int, npt.NDArray[np.int32]]
    spacing_mm: tuple[float, float, float]


def preprocess(volume: Volume, preprocessing: Compose) -> MetaTensor:
    """Image as the network sees it, (C, I, J, K), carrying what is needed to go back to the native grid.

    Args:
        volume: Float32 (C, I, J, K) as read from the files.
        preprocessing: The bundle's chain behind its LoadImaged.
    """
    tensor = MetaTensor(np.ascontiguousarray(volume.array, np.float32), affine=volume.affine_ras)
    tensor.meta["original_affine"] = volume.affine_ras
    tensor.meta["spatial_shape"] = np.asarray(volume.shape)
    tensor.meta["original_channel_dim"] = 0
    tensor.meta["space"] = "RAS"
    prepared: MetaTensor = preprocessing({"image": tensor})["image"]
    return prepared


def prepare(
    study_id: str,
    volume: Volume,
    label: LabelArray,
    label_affine: Affine,
    *,
    preprocessing: Compose,
    class_of_value: Mapping[int, int],
) -> Prepared:
    """Preprocess a labelled study.

    The label follows the image: it is sampled on whatever grid the image chain ends on, so that a
    bundle states its geometry once.

    Args:
        study_id: For messages and as the key of random draws.
        volume: Image, (C, I, J, K).
        label: Written label values (I, J, K).
        label_affine: Of the label.
        preprocessing: The bundle's chain behind its LoadImaged.
        class_of_value: Written value to class index.
    """
    image = preprocess(volume, preprocessing)
    affine = np.asarray(image.affine, np.float64)
    array = np.ascontiguousarray(image.as_tensor().numpy(), np.float32)
    classes = align_label(map_values(label, class_of_value), label_affine, array.shape[1:], affine)
    spacing: Any = Volume(array, affine).spacing_mm
    return Prepared(study_id, array, classes, _positions(classes, study_id), spacing)


def _positions(classes: LabelArray, study_id: str) -> dict[int, npt.NDArray[np.int32]]:
    found = {}
    for index in np.unique(classes[classes > 0]):
        flat = np.flatnonzero(classes == index)
        if flat.size > POSITIONS_PER_CLASS:
            # Spread over the whole class, the same ones each time.
            flat = generator_for(0, study_id, int(index)).choice(flat, POSITIONS_PER_CLASS, replace=False)
        found[int(index)] = np.stack(np.unravel_index(flat, classes.shape), axis=1).astype(np.int32)
    return found
