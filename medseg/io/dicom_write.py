"""A volume as a classic DICOM series, one file per slice: phantoms for tests, benchmarks and a site's dry run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid
from pydicom.valuerep import format_number_as_ds

from medseg.core.errors import DicomError, GeometryError, OutputError
from medseg.core.files import replacing
from medseg.core.geometry import affine_fault, spacing_of
from medseg.core.volume import Volume

_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])  # DICOM's patient axes point to the left, to the back and up
_AIR_HU = -1024  # stored 0 of a CT
_TWELVE_BITS = 4095  # the range of most scanners
_SIXTEEN_BITS = 65535

# What every slice says unless ``attributes`` says otherwise. No patient has this name, and the date is no one's.
_ALWAYS: Mapping[str, Any] = {
    "SpecificCharacterSet": "ISO_IR 192",
    "StudyDate": "20000101",
    "StudyTime": "000000",
    "StudyID": "1",
    "AccessionNumber": "",
    "ReferringPhysicianName": "",
    "PatientName": "Phantom^Medseg",
    "PatientID": "MEDSEG-PHANTOM",
    "PatientBirthDate": "",
    "PatientSex": "O",
    "PatientPosition": "HFS",
    "PositionReferenceIndicator": "",
    "Laterality": "",  # empty: no paired body part is named
    "Manufacturer": "medseg",
    "ManufacturerModelName": "phantom",
    "AcquisitionNumber": "1",
    "BurnedInAnnotation": "NO",
}
_BY_MODALITY: Mapping[str, Mapping[str, Any]] = {
    "CT": {"SOPClassUID": CTImageStorage, "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"], "KVP": "120"},
    "MR": {
        "SOPClassUID": MRImageStorage,
        "ImageType": ["ORIGINAL", "PRIMARY", "OTHER"],
        "ScanningSequence": "SE",
        "SequenceVariant": "NONE",
        "ScanOptions": "",
        "MRAcquisitionType": "2D",
        "RepetitionTime": "500",
        "EchoTime": "10",
        "EchoTrainLength": "1",
    },
}


@dataclass(frozen=True)
class _Stored:
    """Values as they stand in the files: stored value × slope + intercept is the value."""

    array: npt.NDArray[np.uint16]  # (I, J, K)
    bits: int
    slope: str | None  # None where nothing is to be rescaled
    intercept: str | None
    unit: str = "US"  # RescaleType: unspecified


def write_series(
    volume: Volume,
    folder: Path,
    *,
    modality: str = "MR",
    description: str = "",
    number: int = 1,
    study_uid: str | None = None,
    series_uid: str | None = None,
    frame_of_reference_uid: str | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Write a volume as ``IM0001.dcm`` … in the order of k, and return the paths.

    Array axis i runs along a row and j down the rows. Every slice stands where the affine puts it, left-handed affines
    too; a reader that orders slices by the normal of the rows and columns then finds them in reversed order of k.

    CT values are rounded to whole HU, from -1024 to 64511. MR values are exact where they are whole and 0 to 65535, or
    whole and span at most 4095; all others are spread over 0 to 4095 with a slope.

    Args:
        volume: One channel, shape (1, I, J, K), axes at right angles in any orientation.
        folder: Made where absent; must not hold ``IM*.dcm`` yet.
        modality: "CT" or "MR".
        description: SeriesDescription.
        number: SeriesNumber.
        study_uid: StudyInstanceUID; derived from the content where absent, as the next two are.
        series_uid: SeriesInstanceUID.
        frame_of_reference_uid: Derived from the study where absent: series of one study share it.
        attributes: DICOM keyword to value, for every slice; stronger than the defaults.

    Raises:
        DicomError: The volume has several channels, no voxel or values that do not fit; no such modality or keyword.
        GeometryError: The affine places no series.
        OutputError: The folder holds a series, or cannot be written.

    Source: DICOM PS3.3 A.3 (CT Image), A.4 (MR Image) and C.7.6.2 (Image Plane).
    """
    _check(volume, folder, modality, attributes or {})
    stored = _store_ct(volume.array[0]) if modality == "CT" else _store_mr(volume.array[0])
    digest = _digest_of(volume, modality, description, number, attributes)
    study = study_uid or _uid("study", digest)
    identity = {
        **_ALWAYS,
        **_BY_MODALITY[modality],
        "Modality": modality,
        "SeriesDescription": description,
        "SeriesNumber": str(number),
        "StudyInstanceUID": study,
        "SeriesInstanceUID": series_uid or _uid("series", study, digest),
        "FrameOfReferenceUID": frame_of_reference_uid or _uid("frame", study),
    }
    paths = []
    for k, plane in enumerate(_planes(volume, stored)):
        instance = {"SOPInstanceUID": _uid(identity["SeriesInstanceUID"], digest, str(k)), "InstanceNumber": str(k + 1)}
        path = folder / f"IM{k + 1:04d}.dcm"
        _write(path, {**identity, **plane, **instance, **(attributes or {})})
        paths.append(path)
    return paths


def _check(volume: Volume, folder: Path, modality: str, attributes: Mapping[str, Any]) -> None:
    if modality not in _BY_MODALITY:
        raise DicomError(f"Modality '{modality}' cannot be written; choose {' or '.join(_BY_MODALITY)}")
    if volume.array.ndim != 4 or volume.array.shape[0] != 1 or not volume.array.size:
        raise DicomError(f"A series holds one channel (1, I, J, K), not an array of shape {volume.array.shape}")
    if max(volume.shape[:2]) > _SIXTEEN_BITS:
        raise DicomError(f"Slices of {volume.shape[0]} x {volume.shape[1]} pixels; DICOM allows 65535 along each")
    if not np.isfinite(volume.array).all():
        raise DicomError("The volume holds NaN or infinity, which DICOM pixels cannot; replace these values first")
    if fault := affine_fault(volume.affine_ras):
        raise GeometryError(f"No DICOM series can be written: {fault}. Resample the volume first")
    if unknown := sorted(name for name in attributes if tag_for_keyword(name) is None):
        raise DicomError(f"No DICOM keyword: {', '.join(unknown)}. Write them as in PatientName or EchoTime")
    if any(folder.glob("IM*.dcm")):
        raise OutputError(f"'{folder}' holds a DICOM series already; the two would be mixed. Name another folder")


def _store_ct(values: npt.NDArray[Any]) -> _Stored:
    whole = np.rint(values).astype(np.int64) - _AIR_HU
    if whole.min() < 0 or whole.max() > _SIXTEEN_BITS:
        lowest, highest = float(values.min()), float(values.max())
        raise DicomError(f"CT values reach from {lowest:g} to {highest:g}; HU must lie between -1024 and 64511")
    return _Stored(whole.astype(np.uint16), _bits(int(whole.max())), "1", str(_AIR_HU), "HU")


def _store_mr(values: npt.NDArray[Any]) -> _Stored:
    lowest, highest = float(values.min()), float(values.max())
    if bool((values == np.rint(values)).all()):
        if lowest >= 0 and highest <= _SIXTEEN_BITS:
            return _Stored(values.astype(np.uint16), _bits(int(highest)), None, None)
        if highest - lowest <= _TWELVE_BITS and abs(lowest) < 2**53:  # beyond, float64 skips whole numbers
            return _Stored((values.astype(np.float64) - lowest).astype(np.uint16), 12, "1", format_number_as_ds(lowest))
    # A decimal of DICOM has 16 characters; pixels are scaled by the rounded numbers, which readers will see.
    slope = format_number_as_ds((highest - lowest) / _TWELVE_BITS or 1.0)
    intercept = format_number_as_ds(lowest)
    scaled = np.rint((values.astype(np.float64) - float(intercept)) / float(slope)).clip(0, _TWELVE_BITS)
    return _Stored(scaled.astype(np.uint16), 12, slope, intercept)


def _bits(highest: int) -> int:
    return 12 if highest <= _TWELVE_BITS else 16


def _planes(volume: Volume, stored: _Stored) -> Iterator[dict[str, Any]]:
    """What differs by geometry and pixels, slice by slice."""
    affine_lps = _LPS @ volume.affine_ras
    along_i, along_j, along_k = spacing_of(affine_lps)
    cosines = [*affine_lps[:3, 0] / along_i, *affine_lps[:3, 1] / along_j]
    grid = {
        "ImageOrientationPatient": _decimals(cosines),
        "PixelSpacing": _decimals([along_j, along_i]),  # PS3.3 10.7.1.3: between rows first, then between columns
        "SliceThickness": _decimals([along_k])[0],
        "Rows": volume.shape[1],
        "Columns": volume.shape[0],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": stored.bits,
        "HighBit": stored.bits - 1,
        "PixelRepresentation": 0,
    }
    if stored.slope is not None:
        grid |= {"RescaleSlope": stored.slope, "RescaleIntercept": stored.intercept, "RescaleType": stored.unit}
    for k in range(volume.shape[2]):
        position = affine_lps[:3, 3] + k * affine_lps[:3, 2]
        pixels = np.ascontiguousarray(stored.array[:, :, k].T, dtype="<u2").tobytes()
        yield {**grid, "ImagePositionPatient": _decimals(position), "PixelData": pixels}


def _decimals(values: Any) -> list[str]:
    return [format_number_as_ds(float(value) + 0.0) for value in values]  # + 0.0 turns -0 into 0


def _write(path: Path, attributes: Mapping[str, Any]) -> None:
    header = Dataset()
    for keyword, value in attributes.items():
        setattr(header, keyword, value)
    header["PixelData"].VR = "OW"
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    with replacing(path) as temporary:
        header.save_as(temporary, enforce_file_format=True)


def _digest_of(volume: Volume, *words: Any) -> str:
    """Of voxels, place and words: what makes a series another series."""
    digest = hashlib.sha256(np.ascontiguousarray(volume.array).tobytes())
    digest.update(np.ascontiguousarray(volume.affine_ras, np.float64).tobytes())
    digest.update(repr((volume.array.shape, str(volume.array.dtype), words)).encode())
    return digest.hexdigest()


def _uid(*sources: str) -> str:
    return str(generate_uid(entropy_srcs=list(sources)))
