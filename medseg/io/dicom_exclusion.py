"""Which DICOM objects de-identification leaves out: what text may stand in, in the pixels or elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydicom import Dataset
from pydicom.uid import UID

from medseg.core.verdict import Finding
from medseg.io.dicom_kind import SCANS, is_derived_class, kind_fault

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
_NUCLEAR = "1.2.840.10008.5.1.4.1.1.20"
# PS3.4 B.5: ultrasound draws name, number and date into the picture, nearly always.
_ULTRASOUND = {
    "1.2.840.10008.5.1.4.1.1.3",
    "1.2.840.10008.5.1.4.1.1.6",
    "1.2.840.10008.5.1.4.1.1.6.1",
    "1.2.840.10008.5.1.4.1.1.6.2",
    "1.2.840.10008.5.1.4.1.1.3.1",
}
_SCREEN_WORDS = ("SCREEN", "DOSE", "REPORT", "SUMMARY", "TEXT")  # in ImageType: pages that scanners file as images
_HEAD = re.compile(
    r"head|brain|skull|face|facial|orbit|neuro|crani|cereb|kopf|hirn|sch(ae|ä)del|t(e|ê)te|cerveau", re.IGNORECASE
)
# Faces were told apart in slices of 1 mm; up to 3 mm features stay visible, so the warning errs on the careful side.
FACE_SLICE_MM = 3.0
_PASSES = {
    None,
    "localizer",
    "mosaic",
    "position_absent",
    "truncated",
}  # what the gate would refuse, but not for its text


def exclusion(dataset: Dataset, *, allow_burned_in: bool) -> Finding | None:
    """Why an object is not written; None where it is.

    Args:
        dataset: A source.
        allow_burned_in: Whether to write images although text is usual in their pixels, or declared.
    """
    sop_class = str(dataset.get("SOPClassUID", "") or "")
    if sop_class == SEGMENTATION:
        return (
            Finding("not_a_scan", "segments of a slide, not of a scan") if "TotalPixelMatrixRows" in dataset else None
        )
    fault = kind_fault(dataset, "")
    code = fault.code if fault else None
    text = _text_in_pixels(dataset, sop_class, code)
    if text:
        return None if allow_burned_in else Finding("burned_in", f"{text}; --allow-burned-in writes it all the same")
    if code not in _PASSES or sop_class == _NUCLEAR:
        return Finding(code or "not_a_scan", f"{_kind(sop_class)}: only CT, MR, PET and SEG are written")
    if code == "mosaic" and not any(word in _image_type(dataset) for word in ("MOSAIC", "VFRAME")):
        return Finding("mosaic", "only private attributes say that it is a mosaic, and they are removed")
    return None


def burned_in(dataset: Dataset) -> str:
    """Why text may stand in the pixels of a source; empty where nothing says so."""
    fault = kind_fault(dataset, "")
    return _text_in_pixels(dataset, str(dataset.get("SOPClassUID", "") or ""), fault.code if fault else None)


def shows_a_face(dataset: Dataset) -> bool:
    """Whether a face could be rendered from it: a head, in CT or MR slices of at most ``FACE_SLICE_MM``."""
    words = " ".join(
        str(dataset.get(keyword, "") or "")
        for keyword in ("BodyPartExamined", "SeriesDescription", "ProtocolName", "StudyDescription")
    )
    if str(dataset.get("Modality", "")) not in ("CT", "MR") or not _HEAD.search(words):
        return False
    return any(0 < thickness <= FACE_SLICE_MM for thickness in _thicknesses(dataset))


def pixel_fault(dataset: Dataset) -> Finding | None:
    """Why the pixels of a file are damaged; None where there are as many as the header says."""
    pixels = dataset.get("PixelData")
    if not pixels or "Rows" not in dataset:
        return Finding("truncated", "no pixel data" if not pixels else "the header ends before Rows and Columns")
    if UID(str(dataset.file_meta.get("TransferSyntaxUID", ""))).is_encapsulated:
        return None  # cut off, it has no end and cannot be parsed
    size = [int(dataset.get(key) or 0) for key in ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated")]
    expected = (size[0] * size[1] * size[2] * size[3] * _frames(dataset) + 7) // 8
    if str(dataset.get("PhotometricInterpretation", "")) == "YBR_FULL_422":
        expected = expected * 2 // 3  # PS3.3 C.7.6.3.1.2: both colours are shared by two pixels
    if len(pixels) >= expected:
        return None
    return Finding("truncated", f"{len(pixels)} bytes of pixel data, the header says {expected}")


def _text_in_pixels(dataset: Dataset, sop_class: str, code: str | None) -> str:
    if str(dataset.get("BurnedInAnnotation", "")).strip().upper() == "YES":
        return "BurnedInAnnotation is YES"
    if sop_class in _ULTRASOUND:
        return "ultrasound, where names usually stand in the image"
    if is_derived_class(dataset) and code in ("secondary_capture", "colour", "not_a_scan"):
        return "a secondary capture (screenshot or scan of paper), where names usually stand in the image"
    if code == "colour" and sop_class in SCANS:
        return "a colour rendering, where text usually stands in the image"
    if any(word in _image_type(dataset) for word in _SCREEN_WORDS):
        return "ImageType says that it is a page of text"
    if any(_overlays_in_pixels(dataset)):
        return "an overlay stands in spare bits of the pixels"
    return ""


def _overlays_in_pixels(dataset: Dataset) -> Iterator[bool]:
    for group in range(0x6000, 0x6020, 2):  # PS3.3 C.9.2, as it was until 2004: no OverlayData of its own
        yield (group, 0x0010) in dataset and (group, 0x3000) not in dataset


def _kind(sop_class: str) -> str:
    if not sop_class:
        return "an object that does not say what it is"
    name = UID(sop_class).name
    return "an object of a private class" if name == sop_class else name


def _image_type(dataset: Dataset) -> str:
    value = dataset.get("ImageType") or ""
    return (value if isinstance(value, str) else "\\".join(map(str, value))).upper()


def _frames(dataset: Dataset) -> int:
    try:
        return int(dataset.get("NumberOfFrames") or 1)
    except (TypeError, ValueError):
        return 1


def _thicknesses(dataset: Dataset) -> Iterator[float]:
    groups = [dataset]
    for keyword in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for item in list(dataset.get(keyword) or ())[:1]:
            groups += list(item.get("PixelMeasuresSequence") or ())
    for group in groups:
        try:
            yield float(group.get("SliceThickness") or 0)
        except (TypeError, ValueError):
            continue
