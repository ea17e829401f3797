"""A label map as a DICOM segmentation object (SEG) on the slices it was made from."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from highdicom import PlaneOrientationSequence, PlanePositionSequence
from highdicom.content import PixelMeasuresSequence
from highdicom.enum import CoordinateSystemNames
from highdicom.seg import Segmentation
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from medseg.core.coding import CodedLabel
from medseg.core.errors import OutputError, UsageError
from medseg.core.formats import Compression, SegType
from medseg.core.geometry import grid_difference, spacing_of
from medseg.core.types import Affine, LabelArray
from medseg.io.dicom_equipment import building, dated, equipment_of, finish, save
from medseg.io.dicom_result import RESEARCH_USE, Algorithm, SegFacts, Segment, result_number, short
from medseg.io.dicom_seg_segments import check_labels, coding_texts, describe, segments_of
from medseg.io.dicom_seg_source import cosines_of, positions_of, reference_sources, stand_ins
from medseg.io.dicom_series import Series
from medseg.io.dicom_uids import derived_uid, instances_of, require_uids

_SYNTAXES: Mapping[str, str] = MappingProxyType(
    {"none": ExplicitVRLittleEndian, "rle": RLELossless, "jpegls": JPEGLSLossless, "j2k": JPEG2000Lossless}
)
# RLE and JPEG-LS code whole bytes; a binary segmentation holds one bit a pixel.
ALLOWED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"binary": ("none", "j2k"), "labelmap": ("none", "rle", "jpegls", "j2k")}
)
# Modules that highdicom codes with.
_CODERS: Mapping[tuple[str, str], tuple[str, ...]] = MappingProxyType(
    defaultdict(
        tuple,
        {
            ("binary", "j2k"): ("openjpeg",),
            ("labelmap", "j2k"): ("openjpeg", "pylibjpeg"),
            ("labelmap", "jpegls"): ("jpeg_ls",),
        },
    )
)
_LEAST_J2K = 32  # pixels; OpenJPEG makes five wavelet levels
_PLACE = 91  # the SEG of series 7 has SeriesNumber 791


def write_seg(
    path: Path,
    labels: LabelArray,
    series: Series,
    coded: Sequence[CodedLabel],
    *,
    algorithm: Algorithm,
    affine_ras: Affine | None = None,
    seg_type: SegType = "binary",
    compression: Compression = "none",
    keep_empty_frames: bool = False,
) -> SegFacts:
    """Write a label map as one SEG object.

    **Place.** ``labels[i, j, k]`` is pixel (row j, column i) of ``series.slices[k]``; each frame carries the position
    of its own slice. A tilted series has been resampled, so ``affine_ras`` must say where its label map lies; frames
    then carry the positions of that grid, in the same frame of reference.

    **Segments.** Every coded label of one value is described, found or not, so that "looked for and absent" can be told
    from "not looked for", and a label has the same segment number in every study. An absent label has no frame
    (PS3.3 allows it; dciodvfy, dcmqi and highdicom take it). An empty label map, which cannot have no frame at all
    (NumberOfFrames is at least 1), gets one frame of zeros per segment, on the middle slice. With
    ``keep_empty_frames`` every segment has a frame on every slice.

    **Same input, same bytes.** All UIDs are derived: the series from source images and bundle, the object from
    these, the label map, the codes and the encoding. Dates and times are the source's (``moment_of`` says why).

    Args:
        path: Written whole or not at all.
        labels: (I, J, K) uint8; 0 is background.
        series: The source; its headers are enough, pixels are not read.
        coded: What the values mean; regions of several values are left to the report.
        algorithm: What made the label map.
        affine_ras: (4, 4), where the label map lies, if not on the slices: the grid of ``read_series`` for a tilted
            series.
        seg_type: "binary" has one bit a pixel and a frame per segment and slice, and every archive takes it;
            "labelmap" has one frame a slice and is smaller, but archives before 2025 refuse its SOP class.
        compression: All are lossless; see ``ALLOWED``.
        keep_empty_frames: For viewers that misplace a SEG with frames left out.

    Returns:
        What the report must know.

    Raises:
        DicomError: Code "no_uids": the source cannot be referenced.
        UsageError: This type cannot have this compression.
        OutputError: A value has no code, the label map is not on the slices, or the file cannot be written.

    Source: DICOM PS3.3 A.51 (Segmentation), A.90 (Label Map Segmentation), C.8.20.
    """
    check_encoding(seg_type, compression)
    if compression == "j2k" and min(labels.shape[:2]) < _LEAST_J2K:
        raise OutputError(f"JPEG 2000 takes slices from {_LEAST_J2K} pixels along each side; choose 'none'")
    require_uids(series)
    present = [int(value) for value in np.flatnonzero(np.bincount(labels.ravel(order="K"), minlength=256)) if value]
    check_labels(labels, coded, present)
    affine = _grid(labels, series, affine_ras)
    segments = segments_of(coded, series, algorithm)
    planes, kept = _planes(labels, segments, empty=not present and not keep_empty_frames)
    identity = _digest(labels, coded, affine, (seg_type, compression, str(keep_empty_frames)))
    key = (*algorithm.key, instances_of(series))
    with building("SEG", series):
        seg = Segmentation(
            source_images=stand_ins(series),
            pixel_array=planes,
            segmentation_type=seg_type.upper(),
            segment_descriptions=[describe(one, _label_of(one, coded), algorithm) for one in segments],
            series_instance_uid=derived_uid("seg series", *key),
            series_number=result_number(series, _PLACE),
            sop_instance_uid=derived_uid("seg", *key, identity),
            instance_number=1,
            series_description=short(f"{algorithm.name} segmentation, {RESEARCH_USE}"),
            content_label="SEGMENTATION",
            content_description=short(f"bundle sha256 {algorithm.digest[:16]}, {RESEARCH_USE}"),
            transfer_syntax_uid=_SYNTAXES["none" if compression == "rle" else compression],
            omit_empty_frames=not keep_empty_frames,
            **_geometry(series, affine, kept, on_slices=series.tilt_mm is None),
            **equipment_of(algorithm),
            **dated(series),
        )
        reference_sources(seg, series)
        _name_dimensions(seg, derived_uid("dimensions", *key, identity))
        texts = [text for one in coded for text in coding_texts(one)]
        finish(seg, series, [*texts, *algorithm.key, algorithm.manufacturer])
        if compression == "rle":
            # GDCM, which highdicom would take, kills the process on a frame with an odd number of pixels.
            seg.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
        save(seg, path)
    return SegFacts(str(seg.SOPClassUID), str(seg.SOPInstanceUID), str(seg.SeriesInstanceUID), segments)


def check_encoding(seg_type: str, compression: str) -> None:
    """Refuse a pair that cannot be written; cheap, so that a command asks before it computes.

    Raises:
        UsageError: Names what is allowed.
    """
    if seg_type not in ALLOWED:
        raise UsageError(f"SEG type '{seg_type}' is unknown; choose {' or '.join(ALLOWED)}")
    if compression not in ALLOWED[seg_type]:
        raise UsageError(
            f"A {seg_type} SEG cannot be compressed with '{compression}'; choose {', '.join(ALLOWED[seg_type])}"
        )
    if absent := [module for module in _CODERS[seg_type, compression] if find_spec(module) is None]:
        raise UsageError(f"'{compression}' of a {seg_type} SEG needs the Python package {' and '.join(absent)}")


def _grid(labels: LabelArray, series: Series, affine_ras: Affine | None) -> Affine:
    """Where the label map lies, checked against the slices."""
    if series.shape is None or series.affine_ras is None:
        raise OutputError(f"{series.name}: it was refused, so no SEG can lie on it")
    if series.tilt_mm is not None:
        if affine_ras is None:
            raise OutputError(f"{series.name}: it is tilted; tell on which straight grid the label map lies")
        return affine_ras
    affine = series.affine_ras if affine_ras is None else affine_ras
    if difference := grid_difference(labels.shape, affine, series.shape, series.affine_ras):
        raise OutputError(f"{series.name}: the label map does not lie on its slices: {difference}")
    return affine


def _planes(
    labels: LabelArray, segments: Sequence[Segment], *, empty: bool
) -> tuple[npt.NDArray[np.uint8], Sequence[int]]:
    """Segment numbers as (K, J, I), and which k they are."""
    numbers = np.zeros(256, np.uint8)
    for one in segments:
        numbers[one.value] = one.number
    count = labels.shape[2]
    kept = [count // 2] if empty else range(count)
    return np.ascontiguousarray(numbers[labels.transpose(2, 1, 0)[list(kept)]]), kept


def _geometry(series: Series, affine: Affine, kept: Sequence[int], *, on_slices: bool) -> dict[str, object]:
    """Thickness is the distance of slices: readers that multiply areas by it then get the right volume."""
    patient, (along_i, along_j, along_k) = CoordinateSystemNames.PATIENT, spacing_of(affine)
    last = max(kept) + 1
    places = [one.position_lps for one in series.slices] if on_slices else positions_of(affine, last).tolist()
    return {
        "plane_positions": [PlanePositionSequence(patient, places[k]) for k in kept],
        "plane_orientation": PlaneOrientationSequence(patient, cosines_of(affine)),
        "pixel_measures": PixelMeasuresSequence(
            pixel_spacing=[along_j, along_i], slice_thickness=along_k, spacing_between_slices=along_k
        ),
    }


def _label_of(segment: Segment, coded: Sequence[CodedLabel]) -> CodedLabel:
    return next(one for one in coded if one.values == (segment.value,))


def _name_dimensions(seg: Dataset, uid: str) -> None:
    for item in (*seg.DimensionOrganizationSequence, *seg.DimensionIndexSequence):
        item.DimensionOrganizationUID = uid


def _digest(labels: LabelArray, coded: Sequence[CodedLabel], affine: Affine, encoding: Sequence[str]) -> str:
    digest = hashlib.sha256(repr((labels.shape, tuple(coded), affine.tolist(), tuple(encoding))).encode())
    digest.update(np.ascontiguousarray(labels.T).data)
    return digest.hexdigest()
