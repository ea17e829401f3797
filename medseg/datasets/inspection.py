"""What looking at every file of a dataset showed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from medseg.core.types import Shape


@dataclass(frozen=True)
class StudyFacts:
    """What the files of one sound study hold.

    Attributes:
        id: The study.
        shape: (I, J, K).
        spacing_mm: Voxel size along i, j, k.
        voxels: Label value to number of voxels, 0 included; None without a label.
        digest: Of the contents of its files.
    """

    id: str
    shape: Shape
    spacing_mm: tuple[float, float, float]
    voxels: Mapping[int, int] | None
    digest: str


@dataclass(frozen=True)
class Inspection:
    """What a dataset holds.

    Attributes:
        studies: Those without a fault, in the dataset's order.
        faults_of: Study id to what is wrong with it, one sentence each.
        general_faults: What is wrong with the dataset as a whole.
        data_digest: Changes with the content of any file; not with names of folders.
    """

    studies: tuple[StudyFacts, ...]
    faults_of: Mapping[str, tuple[str, ...]]
    general_faults: tuple[str, ...]
    data_digest: str

    @property
    def faults(self) -> tuple[str, ...]:
        """Everything that is wrong, each sentence once."""
        listed = [*self.general_faults, *(fault for faults in self.faults_of.values() for fault in faults)]
        return tuple(dict.fromkeys(listed))
