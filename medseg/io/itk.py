"""What SimpleITK does best: resample a volume onto another grid, decode 12-bit JPEG; nothing else imports it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from medseg.core.errors import GeometryError
from medseg.core.geometry import affine_fault, grid_difference, spacing_of
from medseg.core.types import Affine, FloatArray, Shape
from medseg.core.volume import Volume

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0])
# Moves the far end of a 1 m volume by 1e-9 mm. ITK inverts the matrix by an SVD that does not end on values whose
# squares underflow, and then resamples to somewhere else.
_NO_COSINE = 1e-12


def resample_onto(volume: Volume, affine_ras: Affine, shape: Shape, *, background: float = 0.0) -> Volume:
    """The volume on another grid, between voxels by linear interpolation.

    Args:
        volume: Shape (C, I, J, K), real numbers.
        affine_ras: (4, 4) of the new grid, voxel to RAS+ mm.
        shape: Of the new grid, (I, J, K).
        background: Value of voxels whose centre lies outside the volume, beyond the outer faces of its voxels.

    Returns:
        float32 on the new grid. Where both grids are one (``medseg.core.geometry``), the array itself, unchanged.

    Raises:
        GeometryError: One of the affines cannot place a volume.
    """
    for affine in (volume.affine_ras, affine_ras):
        if fault := affine_fault(affine):
            raise GeometryError(f"cannot resample: {fault}")
    if grid_difference(volume.shape, volume.affine_ras, shape, affine_ras) is None:
        return Volume(volume.array, affine_ras)
    channels = [_resample(channel, volume.affine_ras, affine_ras, shape, background) for channel in volume.array]
    return Volume(np.stack(channels), affine_ras)


def decode_plane(path: Path, *, slope: float, intercept: float) -> npt.NDArray[np.int32]:
    """Stored values (Rows, Columns) of a single-frame DICOM file, decoded by the GDCM inside SimpleITK.

    Args:
        path: The file; MONOCHROME2.
        slope: Its RescaleSlope, which GDCM applies and which is taken back here.
        intercept: Its RescaleIntercept.

    Raises:
        RuntimeError: GDCM cannot decode it.
    """
    itk = _simple_itk()
    reader = itk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(path))
    plane = itk.GetArrayFromImage(reader.Execute())[0]
    return np.asarray(np.rint((plane.astype(np.float64) - intercept) / slope), np.int32)


def _simple_itk() -> Any:
    """Imported when it is used: it takes 90 MB, and few studies need it."""
    import SimpleITK

    return SimpleITK


def _resample(channel: FloatArray, affine: Affine, target: Affine, shape: Shape, background: float) -> FloatArray:
    itk = _simple_itk()
    image = itk.GetImageFromArray(np.ascontiguousarray(channel.T, dtype=np.float32))  # ITK's arrays are (z, y, x)
    _place(image, affine)
    onto = itk.ResampleImageFilter()
    onto.SetSize([int(n) for n in shape])
    onto.SetOutputOrigin(_origin(target))
    onto.SetOutputSpacing(spacing_of(target))
    onto.SetOutputDirection(_direction(target))
    onto.SetInterpolator(itk.sitkLinear)
    onto.SetDefaultPixelValue(float(background))
    onto.SetOutputPixelType(itk.sitkFloat32)
    return np.asarray(itk.GetArrayFromImage(onto.Execute(image)).T)


def _place(image: Any, affine: Affine) -> None:
    image.SetOrigin(_origin(affine))
    image.SetSpacing(spacing_of(affine))
    image.SetDirection(_direction(affine))


def _origin(affine: Affine) -> list[float]:
    return [float(value) for value in _RAS_TO_LPS @ affine[:3, 3]]


def _direction(affine: Affine) -> list[float]:
    """Direction cosines of the voxel axes in LPS, by rows as ITK wants them."""
    cosines = _RAS_TO_LPS @ (affine[:3, :3] / spacing_of(affine))
    return [float(value) for value in np.where(np.abs(cosines) < _NO_COSINE, 0.0, cosines).ravel()]
