"""Read the files of a study into one volume, refusing channels that do not lie on one grid."""

from __future__ import annotations

from medseg.core.big_array import empty_big
from medseg.core.errors import GeometryError
from medseg.core.geometry import grid_difference
from medseg.core.study import ChannelFile, Study
from medseg.core.types import Affine, LabelArray
from medseg.core.volume import Volume
from medseg.io.formats import is_picture, reader_of


def read_study(study: Study) -> Volume:
    """Channels of a study as one float32 volume (C, I, J, K), in the study's order.

    Raises:
        FileError: A file cannot be read.
        GeometryError: A file cannot be placed in the patient, or two channels lie on different grids.
    """
    first_name = next(iter(study.channels))
    whole: Volume | None = None
    for n, (name, channel) in enumerate(study.channels.items()):
        volume = _read(channel)
        if len(volume.array) != 1:
            raise GeometryError(f"Study '{study.id}': {_too_many(name, channel, len(volume.array))}")
        if len(study.channels) == 1:
            return volume
        whole = whole or Volume(empty_big((len(study.channels), *volume.shape)), volume.affine_ras)
        difference = grid_difference(whole.shape, whole.affine_ras, volume.shape, volume.affine_ras)
        if difference:
            raise GeometryError(
                f"Study '{study.id}': channels {first_name} and {name} lie on different grids ({difference}). "
                "Register and resample them onto one grid first."
            )
        whole.array[n] = volume.array[0]  # one channel at a time: all of them twice would be the most there is
    assert whole is not None  # a study has channels
    return whole


def read_study_label(study: Study) -> tuple[LabelArray, Affine]:
    """Label values (I, J, K) of a study that has a label, and their affine.

    Raises:
        FileError: The file cannot be read, or holds what is no label value.
        GeometryError: It cannot be placed in the patient, or has several channels.
    """
    assert study.label is not None
    return reader_of(study.label).label(study.label, instances=study.instances)


def _read(channel: ChannelFile) -> Volume:
    return reader_of(channel.path).volume(channel.path, None if channel.grey else channel.index)


def _too_many(name: str, channel: ChannelFile, count: int) -> str:
    if is_picture(channel.path):
        return f"'{channel.path}' is an RGB picture; {name} is one grey channel. Save it as grey."
    return f"the file of {name} holds {count} volumes; one is expected. Split it, or name the volume in a datalist."
