"""The source images as the SEG writer needs them: one single-frame stand-in per slice, whatever the scanner wrote."""

from __future__ import annotations

from pydicom import Dataset
from pydicom.uid import CTImageStorage

from medseg.core.geometry import spacing_of
from medseg.core.types import Affine, FloatArray
from medseg.io.dicom_result import patient_and_study, references_to
from medseg.io.dicom_series import Series

_LOSSY = ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod")


def stand_ins(series: Series) -> list[Dataset]:
    """One image per slice with nothing but identity and place, in the order of k.

    Highdicom wants sources of a class it knows, of one orientation to the last digit, and one file where they are
    multi-frame. These satisfy it; ``reference_sources`` then puts the true images in their place.
    """
    assert series.affine_ras is not None  # an accepted series has a grid
    rows_columns, spacing_mm = cosines_of(series.affine_ras), spacing_of(series.affine_ras)
    images = []
    for k, one in enumerate(series.slices):
        image = patient_and_study(series) if k == 0 else Dataset()
        image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, _stand_in_uid(k)
        image.StudyInstanceUID, image.SeriesInstanceUID = series.study_uid, series.uid
        image.FrameOfReferenceUID = series.header.FrameOfReferenceUID
        image.PositionReferenceIndicator = str(series.header.get("PositionReferenceIndicator") or "")
        image.Rows, image.Columns = int(one.header.Rows), int(one.header.Columns)
        image.ImageOrientationPatient = rows_columns
        image.ImagePositionPatient = list(one.position_lps or ())
        image.PixelSpacing = [spacing_mm[1], spacing_mm[0]]
        image.SliceThickness = image.SpacingBetweenSlices = spacing_mm[2]
        images.append(image)
    _copy_lossy(series, images[0])
    return images


def reference_sources(seg: Dataset, series: Series) -> None:
    """Name the true source images, and in multi-frame sources their frames, where the stand-ins are named."""
    references = references_to(series)
    seg.SourceImageSequence = references
    of_series = Dataset()
    of_series.SeriesInstanceUID, of_series.ReferencedInstanceSequence = series.uid, references
    seg.ReferencedSeriesSequence = [of_series]
    slices = {_stand_in_uid(k): one for k, one in enumerate(series.slices)}
    for item in _derivations(seg):
        one = slices[item.ReferencedSOPInstanceUID]
        item.ReferencedSOPClassUID = one.header.SOPClassUID
        item.ReferencedSOPInstanceUID = one.header.SOPInstanceUID
        if one.frame is not None:
            item.ReferencedFrameNumber = one.frame + 1


def _derivations(seg: Dataset) -> list[Dataset]:
    """References of frames to stand-ins, each once: frames of several segments on one slice share theirs."""
    found = {
        id(item): item
        for group in seg.PerFrameFunctionalGroupsSequence
        for derivation in group.get("DerivationImageSequence") or ()
        for item in derivation.SourceImageSequence
    }
    return list(found.values())


def cosines_of(affine_ras: Affine) -> list[float]:
    """ImageOrientationPatient of the planes of a grid: directions of i, then of j, in LPS."""
    directions = lps(affine_ras)[:3, :2] / spacing_of(affine_ras)[:2]
    return [float(one) for one in directions.T.ravel()]


def positions_of(affine_ras: Affine, count: int) -> FloatArray:
    """ImagePositionPatient (K, 3) of the planes of a grid."""
    affine = lps(affine_ras)
    return affine[:3, 3] + [[k] for k in range(count)] * affine[:3, 2]


def lps(affine_ras: Affine) -> Affine:
    """The affine to DICOM's patient axes, which point to the left, to the back and up."""
    flipped = affine_ras.copy()
    flipped[:2] *= -1
    return flipped


def _stand_in_uid(k: int) -> str:
    return f"2.25.{k + 1}"


def _copy_lossy(series: Series, image: Dataset) -> None:
    lossy = next((one.header for one in series.slices if one.header.get("LossyImageCompression") == "01"), None)
    for keyword in _LOSSY if lossy is not None else ():
        if lossy is not None and lossy.get(keyword) is not None:
            setattr(image, keyword, lossy.get(keyword))
