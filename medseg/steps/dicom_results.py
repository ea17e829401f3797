"""A segmentation as DICOM objects on the slices it was made from, checked by reading it back."""

from __future__ import annotations

from pathlib import Path

import medseg
from medseg.bundle.coding import coded_labels
from medseg.core.errors import DicomError
from medseg.core.formats import Compression, SegType
from medseg.io.dicom_result import Algorithm
from medseg.io.dicom_seg import write_seg
from medseg.io.dicom_seg_verify import verify_seg
from medseg.io.dicom_sr import write_sr
from medseg.io.dicom_sr_read import verify_sr
from medseg.steps.ensemble import Ensemble
from medseg.steps.jobs import Result


def write_dicom(
    seg: Path, sr: Path | None, model: Ensemble, result: Result, *, seg_type: SegType, compression: Compression
) -> None:
    """Write the segmentation, then the report of its volumes; each is read back by another path.

    Args:
        seg: File of the segmentation.
        sr: File of the measurement report; None for none.
        model: Names and codes of the labels.
        result: A DICOM study.
        seg_type: See ``write_seg``.
        compression: See ``write_seg``.

    Raises:
        DicomError: The study is no DICOM, or has no UIDs to refer to.
        OutputError: What was written does not read back as the label map or the volumes, or cannot be written.
    """
    reference = result.job.reference
    if reference is None:
        raise DicomError(f"study '{result.job.id}' is not DICOM, so no DICOM object can be made for it", "no_uids")
    coded = coded_labels(model.bundle)
    algorithm = Algorithm(model.name, model.version, model.digest, medseg.__version__, parts=model.parts)
    affine = result.scan.volume.affine_ras
    facts = write_seg(
        seg,
        result.labels,
        reference,
        coded,
        algorithm=algorithm,
        affine_ras=affine,
        seg_type=seg_type,
        compression=compression,
    )
    verify_seg(seg, result.labels, reference, facts, affine_ras=affine)
    if sr is not None:
        volume_ml = {one.name: one.volume_ml for one in result.measurements}
        write_sr(
            sr,
            reference,
            facts,
            [(one, volume_ml[one.name]) for one in coded],
            algorithm=algorithm,
            warnings=[one.sentence for one in result.scan.warnings],
        )
        verify_sr(sr, volume_ml)
