"""Whether a scan looks like what the model was made for, where its bundle says what that is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from medseg.bundle.expected_input import ExpectedInput
from medseg.core.geometry import voxel_ml
from medseg.core.verdict import Finding
from medseg.steps.jobs import Scan


def with_expectation(scan: Scan, expected: ExpectedInput | None) -> Scan:
    """The scan with a warning first where a channel is unlike what the model was made for.

    Args:
        scan: As read.
        expected: Of the bundle; None where it does not say.
    """
    if expected is None:
        return scan
    ml = voxel_ml(scan.volume.affine_ras)
    volumes = {
        channel.name: np.count_nonzero(array) * ml
        for channel, array in zip(scan.channels, scan.volume.array, strict=True)
    }
    name = max(volumes, key=lambda channel: volumes[channel])
    if volumes[name] <= expected.nonzero_ml_at_most:
        return scan
    sentence = (
        f"channel {name} has {volumes[name]:.0f} ml of voxels that are not 0, the model expects at most "
        f"{expected.nonzero_ml_at_most:g} ml: {expected.because}. Do not trust the result."
    )
    return replace(scan, warnings=(Finding("unlike_training", sentence), *scan.warnings))
