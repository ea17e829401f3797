"""Whether a DICOM file is an acquired scan at all: its class, its colours, its kind of image."""

from __future__ import annotations

from pydicom import Dataset
from pydicom.uid import UID

from medseg.core.verdict import Finding
from medseg.io.dicom_slices import is_whole, numbers

# PS3.4 B.5: storage classes whose frames are parallel planes of one scan.
SCANS = {
    "1.2.840.10008.5.1.4.1.1.2": "CT",
    "1.2.840.10008.5.1.4.1.1.2.1": "Enhanced CT",
    "1.2.840.10008.5.1.4.1.1.2.2": "Legacy Converted Enhanced CT",
    "1.2.840.10008.5.1.4.1.1.4": "MR",
    "1.2.840.10008.5.1.4.1.1.4.1": "Enhanced MR",
    "1.2.840.10008.5.1.4.1.1.4.4": "Legacy Converted Enhanced MR",
    "1.2.840.10008.5.1.4.1.1.20": "NM",
    "1.2.840.10008.5.1.4.1.1.128": "PET",
    "1.2.840.10008.5.1.4.1.1.128.1": "Legacy Converted Enhanced PET",
    "1.2.840.10008.5.1.4.1.1.130": "Enhanced PET",
}
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"  # its multi-frame classes continue this UID
# Modalities of objects that were made from images: PS3.3 C.7.3.1.1.1.
RESULTS = {"SEG", "SR", "RTSTRUCT", "RTPLAN", "RTDOSE", "PR", "KO", "REG", "FID", "RWV", "DOC", "PLAN", "AU", "M3D"}
SCAN_MODALITIES = {"CT", "MR", "PT", "NM"}
# PS3.3 C.7.6.3.1: what the meaning of every pixel hangs on.
_NUMBERS = (
    *("Rows", "Columns", "SamplesPerPixel", "NumberOfFrames"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
)
_MOSAIC_COUNT = (0x0019, 0x100A)  # Siemens: NumberOfImagesInMosaic
_TILE_COUNT = (0x0065, 0x1050)  # United Imaging: images in a tiled frame


def is_image(dataset: Dataset) -> bool:
    """Whether a file holds an image that was acquired, scanned or captured, and not a result made from images."""
    return str(dataset.get("Modality", "")) not in RESULTS and "Rows" in dataset


def kind_fault(dataset: Dataset, name: str) -> Finding | None:
    """Why a file can be no slice of a scan; None where it can.

    Args:
        dataset: Header of one file.
        name: How messages call its series.
    """
    modality, sop_class = str(dataset.get("Modality", "")), str(dataset.get("SOPClassUID", ""))
    if not is_image(dataset):
        kind = modality if modality in RESULTS else UID(sop_class).name or "an object without pixels"
        return Finding("result_object", f"{name}: {kind} is a result object, not an image. Give the images instead.")
    if fault := _number_fault(dataset, name):
        return fault
    if int(dataset.get("SamplesPerPixel") or 1) != 1:
        return Finding(
            "colour",
            f"{name}: colour image ({dataset.get('PhotometricInterpretation', 'no photometric interpretation')}, "
            f"SamplesPerPixel {dataset.SamplesPerPixel}), not a scan. Give the acquired series.",
        )
    if str(dataset.get("PhotometricInterpretation") or "MONOCHROME2") not in ("MONOCHROME1", "MONOCHROME2"):
        kind = dataset.PhotometricInterpretation
        return Finding("colour", f"{name}: pixels are colours ({kind}), not values. Give the acquired series.")
    return (
        _class_fault(dataset, modality, sop_class, name)
        or _image_type_fault(dataset, name)
        or _multi_frame_fault(dataset, name)
    )


def is_derived_class(dataset: Dataset) -> bool:
    """Whether a scan is stored as secondary capture, as some registration tools do."""
    return str(dataset.get("SOPClassUID", "")).startswith(SECONDARY_CAPTURE)


def _number_fault(dataset: Dataset, name: str) -> Finding | None:
    for keyword in _NUMBERS:
        value = dataset.get(keyword)
        if value is not None and value != "" and not is_whole(value):
            return Finding(
                "unreadable", f"{name}: {keyword} is not one whole number. Copy it again, or export it anew."
            )
    return None


def _class_fault(dataset: Dataset, modality: str, sop_class: str, name: str) -> Finding | None:
    if is_derived_class(dataset) and not (modality in SCAN_MODALITIES and _is_placed(dataset)):
        return Finding("secondary_capture", f"{name}: secondary capture, not a scan. Give the acquired series.")
    known = not sop_class or sop_class in SCANS or is_derived_class(dataset)
    if known and modality in SCAN_MODALITIES:
        return None
    kind = UID(sop_class).name if sop_class and not known else f"modality '{modality}'"
    return Finding("not_a_scan", f"{name}: {kind} is no stack of parallel planes. CT, MR, PET and NM are read.")


def _image_type_fault(dataset: Dataset, name: str) -> Finding | None:
    words = {str(word).upper() for word in _values(dataset.get("ImageType"))}
    if words & {"LOCALIZER", "SCOUT"}:
        return Finding(
            "localizer", f"{name}: localizer (ImageType says so), not a volume. Export the series without it."
        )
    tiles = next((_count(dataset, tag) for tag in (_MOSAIC_COUNT, _TILE_COUNT) if _count(dataset, tag) > 1), 0)
    if words & {"MOSAIC", "VFRAME"} or tiles:
        several = f"{tiles} slices" if tiles else "several slices"
        return Finding(
            "mosaic",
            f"{name}: mosaic, {several} tiled into one image. Convert it with dcm2niix, or export enhanced DICOM.",
        )
    return None


def _multi_frame_fault(dataset: Dataset, name: str) -> Finding | None:
    frames = int(dataset.get("NumberOfFrames") or 1)
    described = len(dataset.get("PerFrameFunctionalGroupsSequence") or [])
    if frames == max(described, 1):
        return None
    if described:
        reason = f"{frames} frames in one file with a position (ImagePositionPatient) for {described}. Export it again."
        return Finding("position_absent", f"{name}: {reason}")
    reason = f"{frames} frames in one file without a position of each (ImagePositionPatient). Export it again."
    return Finding("position_absent", f"{name}: {reason}")


def _is_placed(dataset: Dataset) -> bool:
    parts = (("ImagePositionPatient", 3), ("ImageOrientationPatient", 6), ("PixelSpacing", 2))
    return all(numbers(dataset.get(keyword), count) for keyword, count in parts)


def _values(value: object) -> list[object]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)  # type: ignore[call-overload]


def _count(dataset: Dataset, tag: tuple[int, int]) -> int:
    value = dataset[tag].value if tag in dataset else 0
    if isinstance(value, bytes):  # written by a tool that did not know the tag
        return int.from_bytes(value[:2], "little")
    return int(value) if is_whole(value) else 0
