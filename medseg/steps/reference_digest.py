"""Whether two evaluations had the same reference: a digest of what it holds and where, however it is stored."""

from __future__ import annotations

import hashlib

import numpy as np

from medseg.core.files import digest_of
from medseg.core.types import Affine, LabelArray
from medseg.metrics.boxes import box_of

_DECIMALS = 3  # mm; writers round affines to float32


def reference_digest(labels: LabelArray, affine_ras: Affine) -> str:
    """Digest of the labelled voxels and their place.

    What is empty around them does not count: a DICOM segmentation leaves out slices that a NIfTI file has.

    Args:
        labels: Classes (I, J, K).
        affine_ras: Of them.
    """
    box = box_of(labels)
    if box is None:
        return digest_of("empty")
    corner = affine_ras @ [*(span.start for span in box), 1.0]
    place = np.round(np.column_stack([affine_ras[:3, :3], corner[:3]]), _DECIMALS) + 0.0  # no -0.0
    content = np.ascontiguousarray(labels[box])
    voxels = hashlib.sha256(content.tobytes()).hexdigest()
    return digest_of({"shape": content.shape, "place": place.tolist(), "voxels": voxels})
