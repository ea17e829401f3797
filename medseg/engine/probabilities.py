"""Keep the probabilities of all classes on the grid of the volume, in a file rather than in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from medseg.core.types import FloatArray
from medseg.engine.native import Planes
from medseg.engine.sums import OnDisk
from medseg.transforms.way_back import WayBack


class Probabilities:
    """Probability of each class in each voxel, fp32; where nothing is said the first class, background, has all of it.

    Args:
        back: Where the image lies in the volume.
        scratch: Folder of the file; None for the system's.
    """

    def __init__(self, back: WayBack, scratch: Path | None = None) -> None:
        self._back, self._scratch = back, scratch
        self._kept: OnDisk | None = None

    @property
    def array(self) -> FloatArray:
        """(classes, I, J, K), mapped from the disk.

        Raises:
            ValueError: Nothing was taken.
        """
        if self._kept is None:
            raise ValueError("no probabilities were taken")
        return np.asarray(self._kept.array.numpy())

    def take(self, planes: Planes) -> None:
        """Take some planes; at the edge of a crop they add up to less than 1, and background gets the rest."""
        if self._kept is None:
            self._kept = OnDisk((len(planes.values), *self._back.native), self._scratch)
            self._kept.array[0] = 1.0
        values = planes.values.cpu().numpy()
        for one, said in zip(self.array, values, strict=True):
            self._back.turned(one)[planes.place] = said
        self._back.turned(self.array[0])[planes.place] += 1.0 - values.sum(0)
        self._kept.settle()
