"""The last step behind a foreign bundle's postprocessing: what is no label map is not written as one."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform

from medseg.core.errors import InferenceError

_TURNED = 1e-3  # mm; axes of two grids that differ by more are not the same


class OneLabeld(MapTransform):  # type: ignore[misc]  # MONAI has no types here
    """Lets a label map through as it is, one channel (1, I, J, K) of class indices, turned as the scan was.

    Args:
        keys: Of the label map.
        classes: How many the bundle names, background included.
        orig_key: Of the preprocessed image, which knows how the scan was turned.
    """

    def __init__(self, keys: KeysCollection, classes: int, orig_key: str = "image") -> None:
        super().__init__(keys)
        self.classes = classes
        self.orig_key = orig_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The same data.

        Raises:
            InferenceError: There are more channels, values that are no classes, or axes that run another way.
        """
        for key in self.key_iterator(dict(data)):
            self._check(data[key])
            self._check_axes(data[key], data.get(self.orig_key))
        return dict(data)

    def _check(self, found: torch.Tensor) -> None:
        if found.shape[0] != 1:
            raise InferenceError(
                f"the bundle's postprocessing gives {found.shape[0]} channels; a label map has one, so this cannot be "
                "written as labels"
            )
        wrong = (found != found.round()) | (found < 0) | (found >= self.classes)
        if bool(wrong.any()):
            value = float(found[wrong][0])
            raise InferenceError(
                f"the bundle's postprocessing gives the value {value:g}; its classes are 0 to {self.classes - 1}, and "
                "nothing else has a name"
            )

    def _check_axes(self, found: torch.Tensor, image: Any) -> None:
        if not (isinstance(found, MetaTensor) and isinstance(image, MetaTensor) and "original_affine" in image.meta):
            return
        scan = torch.as_tensor(image.meta["original_affine"], dtype=torch.float64)[:3, :3]
        if not torch.allclose(torch.as_tensor(found.affine, dtype=torch.float64)[:3, :3].cpu(), scan, atol=_TURNED):
            raise InferenceError(
                "the bundle's postprocessing leaves the label map on the grid of the network; its Invertd must undo "
                "every step of preprocessing"
            )
