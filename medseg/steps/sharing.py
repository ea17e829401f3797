"""Which studies of a cohort an inference does: all, a part beside other machines, or what an interrupted one left."""

from __future__ import annotations

from dataclasses import dataclass

from medseg.steps.jobs import Worklist


@dataclass(frozen=True)
class Sharing:
    """What of a cohort to do.

    Attributes:
        part: Number of this part, from 1, and of all parts.
        go_on: Whether what an earlier inference did into the same folder is left as it is.
    """

    part: tuple[int, int] = (1, 1)
    go_on: bool = False

    @property
    def record(self) -> str:
        """Name of the record; parts may lie in one folder."""
        return f"run{self._suffix}.json"

    @property
    def journal(self) -> str:
        """Name of the journal."""
        return f"studies{self._suffix}.jsonl"

    @property
    def unfinished(self) -> str:
        """Begins the names of folders in which results come together; of this part alone."""
        return f".tmp-medseg{self._suffix}-"

    def of(self, worklist: Worklist) -> Worklist:
        """Every N-th study, counted over those that can be read and those that cannot; the same on every machine."""
        number, parts = self.part
        ids = sorted([*(job.id for job in worklist.jobs), *(one.study for one in worklist.outcomes)])
        mine = set(ids[number - 1 :: parts])
        return Worklist(
            tuple(job for job in worklist.jobs if job.id in mine),
            tuple(one for one in worklist.outcomes if one.study in mine),
            worklist.identity,
        )

    @property
    def _suffix(self) -> str:
        number, parts = self.part
        return "" if parts == 1 else f"-{number}-of-{parts}"


ALL = Sharing()
