"""Read the files of a study into one volume, refusing channels that do not lie on one grid."""

from __future__ import annotations

import numpy as np

from medseg.core.errors import GeometryError
from medseg.core.geometry import grid_difference
from medseg.core.study import Study
from medseg.core.volume import Volume
from medseg.io.formats import reader_of


def read_study(study: Study) -> Volume:
    """Channels of a study as one float32 volume (C, I, J, K), in the study's order.

    Raises:
        FileError: A file cannot be read.
        GeometryError: A file cannot be placed in the patient, or two channels lie on different grids.
    """
    volumes = {
        name: reader_of(channel.path).volume(channel.path, channel.index) for name, channel in study.channels.items()
    }
    for name, volume in volumes.items():
        if len(volume.array) != 1:
            raise GeometryError(
                f"Study '{study.id}': the file of {name} holds {len(volume.array)} volumes; one is expected. "
                "Split it, or name the volume in a datalist."
            )
    first_name, first = next(iter(volumes.items()))
    for name, volume in volumes.items():
        difference = grid_difference(first.shape, first.affine_ras, volume.shape, volume.affine_ras)
        if difference:
            raise GeometryError(
                f"Study '{study.id}': channels {first_name} and {name} lie on different grids ({difference}). "
                "Register and resample them onto one grid first."
            )
    return Volume(np.concatenate([volume.array for volume in volumes.values()]), first.affine_ras)
