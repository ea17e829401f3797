"""Volumes as a DICOM structured report (SR) that names the segments they were measured on."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from highdicom.sr import (
    AlgorithmIdentification,
    Comprehensive3DSR,
    ContainerContentItem,
    ContentSequence,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    ReferencedSegment,
    RelationshipTypeValues,
    SourceSeriesForSegmentation,
    TextContentItem,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import ExplicitVRLittleEndian

from medseg.core.coding import CodedLabel
from medseg.core.errors import OutputError, raise_faults
from medseg.io.dicom_equipment import building, dated, equipment_of, finish, save
from medseg.io.dicom_result import RESEARCH_USE, Algorithm, SegFacts, references_to, result_number, short
from medseg.io.dicom_seg_segments import coding_faults, coding_texts, concept, tracking_uid
from medseg.io.dicom_seg_source import stand_ins
from medseg.io.dicom_series import Series
from medseg.io.dicom_uids import derived_uid, instances_of, require_uids

_PLACE = 92  # the report on series 7 has SeriesNumber 792
_LATERALITIES = ("7771000", "24028007", "51440002")  # SNOMED CT: left, right, right and left (CID 244)
# PS3.16 TID 1500 row 12; pydicom's dictionary lacks UMLS.
_QUALITATIVE_EVALUATIONS = Code("C0034375", "UMLS", "Qualitative Evaluations")
_PROCEDURES = {
    "CT": codes.cid100.CTUnspecifiedBodyRegion,
    "MR": codes.cid100.MRIUnspecifiedBodyRegion,
    "PT": codes.cid100.PETUnspecifiedBodyRegion,
}

_Group: TypeAlias = VolumetricROIMeasurementsAndQualitativeEvaluations | MeasurementsAndQualitativeEvaluations


def write_sr(
    path: Path,
    series: Series,
    seg: SegFacts | None,
    measurements: Sequence[tuple[CodedLabel, float]],
    *,
    algorithm: Algorithm,
    warnings: Sequence[str] = (),
) -> str:
    """Write volumes as a Comprehensive 3D SR after template TID 1500, and return its SOPInstanceUID.

    **Groups.** A label that is a segment has a volumetric group (TID 1411) that references it; a region of several
    values, and every label where there is no SEG, has a group (TID 1501) without a reference, on the whole report's
    source. Each has the tracking identifier and UID that the segment has, its type as finding, and its site.

    **Unit.** Volumes are (118565006, SCT, "Volume") in (cm3, UCUM), which are millilitres: the unit list of volumes
    (CID 7462) has cm3 and not ml. The method is summation of segmented voxels (126030, DCM).

    **Absent labels** stand in the report with 0: looked for and not found. Their segment is described in the SEG and
    has no frame.

    **Warnings** of the verdict are comments under "Qualitative Evaluations", after the words on research use.

    The report is complete, preliminary and unverified, since no person has looked at it. Same input, same bytes, as for
    ``write_seg``.

    Args:
        path: Written whole or not at all.
        series: The source; its headers are enough.
        seg: What ``write_seg`` returned; None where no SEG was written.
        measurements: Labels and regions with their volume in ml, in the order to report; at least one.
        algorithm: What made the label map.
        warnings: One sentence each, without identity.

    Raises:
        DicomError: Code "no_uids": the source cannot be referenced.
        OutputError: A volume is no number, a code does not fit, or the file cannot be written.

    Source: DICOM PS3.3 A.35.13 (Comprehensive 3D SR), PS3.16 TID 1500, 1411, 1501.
    """
    require_uids(series)
    _check(measurements)
    key = (*algorithm.key, instances_of(series))
    identity = repr((seg, [(one, float(ml)) for one, ml in measurements], list(warnings)))
    uid = derived_uid("sr", *key, hashlib.sha256(identity.encode()).hexdigest())
    with building("SR", series):
        report = Comprehensive3DSR(
            evidence=[*stand_ins(series)[:1], *([_seg_dataset(seg, series)] if seg else [])],
            content=_report(series, seg, measurements, algorithm, warnings),
            series_instance_uid=derived_uid("sr series", *key),
            series_number=result_number(series, _PLACE),
            sop_instance_uid=uid,
            instance_number=1,
            is_complete=True,
            transfer_syntax_uid=ExplicitVRLittleEndian,
            series_description=short(f"{algorithm.name} volumes, {RESEARCH_USE}"),
            **equipment_of(algorithm),
            **dated(series),
        )
        report.CurrentRequestedProcedureEvidenceSequence = [_evidence(series, seg)]
        texts = [text for label, _ in measurements for text in coding_texts(label)]
        finish(report, series, [*texts, *warnings, *algorithm.key, algorithm.manufacturer])
        save(report, path)
    return uid


def _check(measurements: Sequence[tuple[CodedLabel, float]]) -> None:
    faults = [fault for label, _ in measurements for fault in coding_faults(label)]
    faults += [
        f"'{label.name}': a volume of {ml} ml; it must be a number, 0 or more"
        for label, ml in measurements
        if not (math.isfinite(ml) and ml >= 0)
    ]
    names = [label.name for label, _ in measurements]
    faults += [f"'{name}' is measured twice" for name in sorted({name for name in names if names.count(name) > 1})]
    faults += [] if measurements else ["there is no volume to report"]
    raise_faults("DICOM SR", dict.fromkeys(faults), OutputError)


def _report(
    series: Series,
    seg: SegFacts | None,
    measurements: Sequence[tuple[CodedLabel, float]],
    algorithm: Algorithm,
    warnings: Sequence[str],
) -> MeasurementReport:
    report = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=_observer(algorithm)),
        procedure_reported=_PROCEDURES.get(series.modality, codes.cid100.ImagingProcedure),
        imaging_measurements=[_group(series, seg, label, ml, algorithm) for label, ml in measurements],
        title=codes.cid7021.ImagingMeasurementReport,
    )
    report[0].ContentSequence.append(_comments([f"{algorithm.sentence}.", *warnings]))
    return report


def _observer(algorithm: Algorithm) -> ObserverContext:
    return ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
            uid=derived_uid("device", *algorithm.key),
            name=algorithm.name,
            manufacturer_name=algorithm.manufacturer,
            model_name=f"medseg {algorithm.name}",
            serial_number=algorithm.digest,
        ),
    )


def _group(series: Series, seg: SegFacts | None, label: CodedLabel, volume_ml: float, algorithm: Algorithm) -> _Group:
    number = seg.number_of(label.values[0]) if seg and len(label.values) == 1 else None
    said = {
        "tracking_identifier": TrackingIdentifier(tracking_uid(label, series, algorithm), label.name),
        "finding_type": concept(label.type),
        "finding_category": concept(label.category),
        "finding_sites": list(_sites(label)) or None,
        "algorithm_id": AlgorithmIdentification(
            name=algorithm.name,
            version=algorithm.version,
            parameters=[f"bundle sha256 {algorithm.digest}", *(f"{name}: {value}" for name, value in algorithm.parts)],
            manufacturer=algorithm.manufacturer,
        ),
        "measurements": [
            Measurement(
                name=codes.SCT.Volume,
                value=float(volume_ml),
                unit=codes.UCUM.CubicCentimeter,
                method=codes.DCM.SumOfSegmentedVoxelMethodForVolume,
            )
        ],
    }
    if seg is None or number is None:
        return MeasurementsAndQualitativeEvaluations(**said)
    reference = ReferencedSegment(
        seg.sop_class_uid, seg.sop_instance_uid, number, source_series=SourceSeriesForSegmentation(series.uid)
    )
    return VolumetricROIMeasurementsAndQualitativeEvaluations(referenced_segment=reference, **said)


def _sites(label: CodedLabel) -> Iterator[FindingSite]:
    """Where it is; a modifier without a site tells where within the type itself."""
    place = label.site or (label.type if label.modifier else None)
    if place is None:
        return
    if label.modifier is None:
        yield FindingSite(concept(place))
    elif label.modifier.scheme == "SCT" and label.modifier.value in _LATERALITIES:
        yield FindingSite(concept(place), laterality=concept(label.modifier))
    else:
        yield FindingSite(concept(place), topographical_modifier=concept(label.modifier))


def _comments(sentences: Sequence[str]) -> ContainerContentItem:
    """PS3.16 TID 1500 rows 12 and 14: texts beside the measurements."""
    container = ContainerContentItem(name=_QUALITATIVE_EVALUATIONS, relationship_type=RelationshipTypeValues.CONTAINS)
    container.ContentSequence = ContentSequence(
        [TextContentItem(codes.DCM.Comment, one, RelationshipTypeValues.CONTAINS) for one in sentences if one.strip()]
    )
    return container


def _seg_dataset(seg: SegFacts, series: Series) -> Dataset:
    dataset = Dataset()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = series.study_uid, seg.series_uid
    dataset.SOPClassUID, dataset.SOPInstanceUID = seg.sop_class_uid, seg.sop_instance_uid
    return dataset


def _evidence(series: Series, seg: SegFacts | None) -> Dataset:
    """All source images and the SEG, by series."""
    instances = {series.uid: references_to(series)}
    if seg:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = seg.sop_class_uid, seg.sop_instance_uid
        instances[seg.series_uid] = [item]
    study = Dataset()
    study.StudyInstanceUID, study.ReferencedSeriesSequence = series.study_uid, []
    for uid, references in instances.items():
        of_series = Dataset()
        of_series.SeriesInstanceUID, of_series.ReferencedSOPSequence = uid, references
        study.ReferencedSeriesSequence.append(of_series)
    return study
