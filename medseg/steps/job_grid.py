"""The grid of a study before it is read."""

from __future__ import annotations

from typing import NamedTuple

from medseg.core.errors import MedsegError
from medseg.core.types import Affine, Shape
from medseg.io.formats import reader_of
from medseg.steps.jobs import Job


class Grid(NamedTuple):
    """Shape (I, J, K) and place (4, 4) of a study."""

    shape: Shape
    affine_ras: Affine


def grid_of(job: Job) -> Grid | None:
    """From headers alone; None where they do not say, and reading the study will."""
    if job.reference is not None:
        shape, affine = job.reference.shape, job.reference.affine_ras
        return None if shape is None or affine is None else Grid(shape, affine)
    try:
        header = reader_of(job.sources[0]).header(job.sources[0])
    except (MedsegError, IndexError):
        return None
    return Grid(header.shape, header.affine_ras)
