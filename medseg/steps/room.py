"""Whether a disk has room for results, asked before hours of work and not after."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

from medseg.core.errors import OutputError
from medseg.core.in_words import size, times
from medseg.steps.job_grid import Grid
from medseg.steps.results import ResultOptions

_PACKED = 50  # voxels of a label map that gzip puts into a byte; an expert's of BraTS takes 173
_LEAST = 2**20  # bytes, for records


def check_room(output: Path, largest: Grid | None, classes: int, results: ResultOptions) -> None:
    """Refuse where not even the results of the largest study fit.

    Args:
        output: Folder of the results; there need be none yet.
        largest: Grid of that study; None where no header says.
        classes: Of the network.
        results: What is written.

    Raises:
        OutputError: Says how much is free and how much is wanted.
    """
    if largest is None:
        return
    voxels = math.prod(largest.shape)
    wanted = _LEAST + voxels // _PACKED + voxels * ((4 * results.uncertainty) + 4 * classes * results.probabilities)
    wanted += voxels if results.dicom else 0
    free = shutil.disk_usage(next(folder for folder in (output, *output.resolve().parents) if folder.is_dir())).free
    if free < wanted:
        raise OutputError(
            f"'{output}': {size(free)} are free; the results of one study of {times(largest.shape)} voxels may take "
            f"{size(wanted)}. Free space or choose another --output."
        )
