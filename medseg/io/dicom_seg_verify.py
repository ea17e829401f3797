"""Whether a written SEG says what the label map says: read back by another path and compared voxel by voxel."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from medseg.core.errors import FileError, GeometryError, OutputError
from medseg.core.geometry import GRID_TOLERANCE_VOXELS
from medseg.core.types import Affine, LabelArray
from medseg.io.dicom_result import SegFacts
from medseg.io.dicom_seg_frames import SegContent, open_seg
from medseg.io.dicom_seg_place import Grid, grid_of
from medseg.io.dicom_seg_read import place_labels
from medseg.io.dicom_series import Series


def verify_seg(
    path: Path, labels: LabelArray, series: Series, facts: SegFacts, *, affine_ras: Affine | None = None
) -> None:
    """Compare a written SEG with its label map; nothing is removed or mended.

    Args:
        path: As written.
        labels: The label map that was given to ``write_seg``, (I, J, K).
        series: The source that was given.
        facts: What ``write_seg`` returned: which segment number each value became.
        affine_ras: The grid that was given.

    Raises:
        OutputError: It cannot be read, lies elsewhere, differs in a voxel, or names other segments or another source.
    """
    try:
        content = open_seg(path)
        _compare_names(content, series, facts)
        straight = affine_ras if series.tilt_mm is not None else None
        grid = grid_of(series) if straight is None else Grid(labels.shape, straight)
        found = place_labels(content, grid, GRID_TOLERANCE_VOXELS)
    except (FileError, GeometryError) as error:
        raise OutputError(f"The SEG just written does not read back: {error}") from error
    numbers = np.zeros(256, np.uint8)
    for one in facts.segments:
        numbers[one.value] = one.number
    expected = numbers[labels]
    if expected.shape != found.shape:
        raise OutputError(f"'{path}': read back with shape {found.shape}, written with {expected.shape}.")
    wrong = np.argwhere(expected != found)
    if len(wrong):
        place = tuple(int(one) for one in wrong[0])
        raise OutputError(
            f"'{path}': {len(wrong)} of {found.size} voxels differ from the label map, the first at {place}: "
            f"segment {found[place]}, expected {expected[place]}. Do not use it; write it again."
        )


def _compare_names(content: SegContent, series: Series, facts: SegFacts) -> None:
    path = content.path
    found = [(one.number, one.name, one.tracking_uid) for one in content.segments]
    expected = [(one.number, one.name, one.tracking_uid) for one in facts.segments]
    if found != expected:
        raise OutputError(f"'{path}': describes {len(found)} segments, not the {len(expected)} that were written.")
    if str(content.dataset.SOPInstanceUID) != facts.sop_instance_uid:
        raise OutputError(f"'{path}': is another object than the one that was written.")
    if content.series_uids != (series.uid,) or content.frame_of_reference_uid != series.header.FrameOfReferenceUID:
        raise OutputError(f"'{path}': refers to another series or frame of reference than its source.")
