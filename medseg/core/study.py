"""A study: one patient visit to segment, as files on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class ChannelFile:
    """Where the voxels of one channel are.

    Attributes:
        path: The file.
        index: Position along the fourth axis of a 4D file, or of red, green or blue in a picture; None for a 3D file.
        grey: The file is a grey picture among RGB ones: its values stand for each of the three channels.
    """

    path: Path
    index: int | None = None
    grey: bool = False


@dataclass(frozen=True)
class Study:
    """One patient visit.

    Attributes:
        id: Unique in its dataset; used in messages and file names.
        patient: Studies of one patient are never split between training and hold-out.
        channels: Channel name to file, in the dataset's order.
        label: Expert annotation; None where there is none.
        instances: The values of the label number objects of one label: all above 0 are read as 1.
    """

    id: str
    patient: str
    channels: Mapping[str, ChannelFile]
    label: Path | None = None
    instances: bool = False

    def files(self) -> list[Path]:
        """Every file of the study, each once, images first."""
        paths = [channel.path for channel in self.channels.values()]
        return list(dict.fromkeys([*paths, *([self.label] if self.label else [])]))


@dataclass(frozen=True)
class Dataset:
    """Studies as one folder convention describes them.

    Attributes:
        layout: What was recognised, in words for the user ("BraTS folders, names until 2021").
        root: The path that was given.
        studies: Sorted by id.
        channel_names: As the layout names them, in order.
        label_names: Written value to name where the layout declares it; None where it does not.
        notes: What the user should know, one sentence each (files left out and why).
    """

    layout: str
    root: Path
    studies: tuple[Study, ...]
    channel_names: tuple[str, ...]
    label_names: Mapping[int, str] | None = None
    notes: tuple[str, ...] = field(default=())
