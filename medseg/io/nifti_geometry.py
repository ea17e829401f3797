"""Which affine a NIfTI header means, or why it cannot be trusted; nothing is ever guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medseg.core.errors import GeometryError
from medseg.core.geometry import affine_fault, spacing_of
from medseg.core.types import Affine, Shape

# How far any corner may lie from itself under two descriptions of one grid. Quaternions in float32 and
# spacings written with three decimals stay below 0.05 voxels; the smallest real mistake, a shift between
# voxel corner and voxel centre, is 0.5. A tenth of a voxel is also below what annotators agree on.
FORM_TOLERANCE_VOXELS = 0.1
_UNITS = {
    1: "metres",
    3: "micrometres",
}  # NIfTI-1 xyzt_units, spatial bits; 0 (not said) is read as mm, as all tools do


@dataclass(frozen=True)
class Forms:
    """What a header says about place.

    Attributes:
        shape: Spatial shape (I, J, K).
        dimensions: Number of dimensions in the header.
        pixdim: Voxel size in mm and step along the fourth axis as stored, before any repair.
        units: Spatial part of xyzt_units.
        sform: (4, 4), or None where sform_code is 0.
        qform: (4, 4) whether coded or not, or None where the quaternion is no rotation.
        qform_coded: Whether qform_code is above 0.
    """

    shape: Shape
    dimensions: int
    pixdim: tuple[float, ...]
    units: int
    sform: Affine | None
    qform: Affine | None
    qform_coded: bool


def choose_affine(forms: Forms, path: Path) -> Affine:
    """Affine of a file, the one that stock MONAI computes with.

    The sform comes first, then the qform; two that disagree are refused, and so is an sform with
    another spacing than pixdim. Within the tolerances the choice is MONAI's, so that both give the
    same label map.

    Raises:
        GeometryError: No form, two that disagree, or one that cannot place a volume.
    """
    if forms.units in _UNITS:
        raise GeometryError(f"'{path}': the header counts in {_UNITS[forms.units]}; convert it to millimetres")
    if not all(np.isfinite(size) and size != 0 for size in forms.pixdim[:3]):
        raise GeometryError(f"'{path}': the header gives a spacing of {_mm(forms.pixdim)}; export the volume again")
    coded = _coded_affine(forms, path)
    fault = affine_fault(coded)
    if fault:
        raise GeometryError(f"'{path}': {fault}; export the volume again or resample it to a regular grid")
    _check_agreement(forms, path)
    if forms.qform is None or not _monai_prefers_qform(forms):
        return coded
    if displacement_voxels(coded, forms.qform, forms.shape) > FORM_TOLERANCE_VOXELS:
        raise GeometryError(f"'{path}': only the sform is set, but MONAI would read the qform; write both alike")
    return forms.qform


def _coded_affine(forms: Forms, path: Path) -> Affine:
    if forms.sform is not None:
        return forms.sform
    if not forms.qform_coded:
        raise GeometryError(
            f"'{path}': neither sform nor qform is set (both codes are 0), so its place in the patient is unknown; "
            "convert it again from DICOM, or set sform_code to 1 if you know that its affine is right"
        )
    return _usable(forms.qform, path)


def _check_agreement(forms: Forms, path: Path) -> None:
    if forms.sform is None:
        return
    if forms.qform_coded:
        apart = displacement_voxels(forms.sform, _usable(forms.qform, path), forms.shape)
        if not apart <= FORM_TOLERANCE_VOXELS:
            raise GeometryError(
                f"'{path}': sform and qform disagree by up to {apart:.3g} voxels (limit {FORM_TOLERANCE_VOXELS:g}); "
                "find out which is right and write both alike"
            )
    elif not np.allclose(np.abs(forms.pixdim[:3]), spacing_of(forms.sform)):
        raise GeometryError(
            f"'{path}': pixdim says {_mm(forms.pixdim)}, the sform {_mm(spacing_of(forms.sform))}; "
            "find out which is right and write both alike"
        )


def _monai_prefers_qform(forms: Forms) -> bool:
    """Whether MONAI 1.6 reads the qform although an sform is set.

    Source: ``monai.data.utils.correct_nifti_header_if_necessary``, which compares pixdim with the
    column lengths of the affine; for 4D files that takes in the column of the origin.
    """
    if forms.sform is None or forms.qform is None or forms.dimensions > 4:
        return False
    sizes = np.abs(forms.pixdim[: forms.dimensions])
    fits = [np.allclose(_column_lengths(form, forms.dimensions), sizes) for form in (forms.sform, forms.qform)]
    return fits == [False, True]


def _column_lengths(affine: Affine, dimensions: int) -> Affine:
    return np.asarray(np.linalg.norm(affine[:dimensions, :dimensions], axis=0))


def _mm(sizes: Sequence[float]) -> str:
    return " x ".join(f"{size:.6g}" for size in sizes[:3]) + " mm"


def _usable(qform: Affine | None, path: Path) -> Affine:
    if qform is None:
        raise GeometryError(f"'{path}': the qform's quaternion is not a rotation; export the volume again")
    return qform


def displacement_voxels(affine_a: Affine, affine_b: Affine, shape: Shape) -> float:
    """Largest distance between one voxel under two affines, in the smaller voxel edge of the first.

    An affine map is largest at a corner, so the eight corners are enough.
    """
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape], indexing="ij")).reshape(3, -1)
    corners = np.vstack([corners, np.ones(corners.shape[1])])
    distance_mm = float(np.linalg.norm(((affine_a - affine_b) @ corners)[:3], axis=0).max())
    edge_mm = min(spacing_of(affine_a))
    return distance_mm / edge_mm if edge_mm > 0 else float("inf")
