"""The grid of a study before it is read."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from medseg.core.errors import MedsegError
from medseg.core.types import Affine, Shape
from medseg.io.formats import reader_of
from medseg.steps.jobs import Job


class Grid(NamedTuple):
    """Shape (I, J, K), place (4, 4), and bytes of a stored voxel of a study's first channel."""

    shape: Shape
    affine_ras: Affine
    stored: int = 2


def grid_of(job: Job) -> Grid | None:
    """From headers alone; None where they do not say, and reading the study will."""
    if job.reference is not None:
        shape, affine = job.reference.shape, job.reference.affine_ras
        return None if shape is None or affine is None else Grid(shape, affine)
    try:
        header = reader_of(job.sources[0]).header(job.sources[0])
    except (MedsegError, IndexError):
        return None
    return Grid(header.shape, header.affine_ras, _bytes_of(header.dtype))


def _bytes_of(stored: str) -> int:
    """Of a voxel; numpy does not know every name, and the longest are the safe guess."""
    try:
        return np.dtype(stored).itemsize
    except TypeError:
        return 8
