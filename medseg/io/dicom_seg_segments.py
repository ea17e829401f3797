"""Coded labels to the segments of a SEG."""

from __future__ import annotations

from collections.abc import Sequence

from highdicom import AlgorithmIdentificationSequence
from highdicom.color import CIELabColor
from highdicom.seg import SegmentAlgorithmTypeValues, SegmentDescription
from highdicom.sr import CodedConcept
from pydicom.sr.codedict import codes

from medseg.core.coding import CodedLabel, Concept
from medseg.core.errors import OutputError, raise_faults
from medseg.core.types import LabelArray
from medseg.io.dicom_result import Algorithm, Segment, short
from medseg.io.dicom_series import Series
from medseg.io.dicom_uids import derived_uid, instances_of

_NAME_LENGTH = 64  # SegmentLabel and CodeMeaning are LO
_SCHEME_LENGTH = 16  # CodingSchemeDesignator is SH


def segments_of(coded: Sequence[CodedLabel], series: Series, algorithm: Algorithm) -> tuple[Segment, ...]:
    """A segment for each label map value, in the order of ``coded``; regions of several values have none.

    Segment numbers run from 1, as PS3.3 C.8.20.2 asks of binary segmentations; the value is kept in
    SegmentDescription. Where two entries name the same value, the first is the segment.
    """
    labels: dict[int, CodedLabel] = {}
    for one in coded:
        if len(one.values) == 1:
            labels.setdefault(one.values[0], one)
    return tuple(
        Segment(number, value, label.name, tracking_uid(label, series, algorithm))
        for number, (value, label) in enumerate(labels.items(), 1)
    )


def tracking_uid(label: CodedLabel, series: Series, algorithm: Algorithm) -> str:
    """The same in SEG and SR; another for another input, bundle or label."""
    return derived_uid("tracking", *algorithm.key, instances_of(series), label.name)


def check_labels(labels: LabelArray, coded: Sequence[CodedLabel], present: Sequence[int]) -> None:
    """Refuse what no segment can hold.

    Args:
        labels: The label map.
        coded: What its values mean.
        present: Values other than 0 in the label map.

    Raises:
        OutputError: Lists values without a code, codes that do not fit, and an array that is no label map.
    """
    faults = []
    if labels.ndim != 3 or labels.dtype != "uint8" or not labels.size:
        faults.append(f"the label map is {labels.dtype} of shape {labels.shape}; it must be uint8 (I, J, K)")
    single = [one for one in coded if len(one.values) == 1]
    known = {one.values[0] for one in single}
    if missing := sorted(set(present) - known):
        faults.append(f"values {missing} have no coded label; coded are {sorted(known)}")
    if not single:
        faults.append("no label of one value is coded; a SEG needs at least one segment")
    faults += [f"'{one.name}': value {one.values[0]}; 0 is background" for one in single if one.values[0] == 0]
    faults += [fault for one in coded for fault in coding_faults(one)]
    raise_faults("DICOM SEG", dict.fromkeys(faults), OutputError)


def coding_faults(label: CodedLabel) -> list[str]:
    """One sentence for each code that DICOM cannot hold."""
    faults = [] if 0 < len(label.name) <= _NAME_LENGTH else [f"'{label.name}': a name has 1 to {_NAME_LENGTH} letters"]
    for what in ("category", "type", "site", "modifier"):
        code: Concept | None = getattr(label, what)
        if code is not None and not (code.value and code.meaning and code.scheme):
            faults.append(f"'{label.name}': its {what} lacks code value, scheme or meaning")
        elif code is not None and (len(code.meaning) > _NAME_LENGTH or len(code.scheme) > _SCHEME_LENGTH):
            faults.append(
                f"'{label.name}': its {what} is too long; {_NAME_LENGTH} letters of meaning, {_SCHEME_LENGTH} of scheme"
            )
    return faults


def coding_texts(label: CodedLabel) -> list[str]:
    """Everything of a label that is written as text."""
    codes_of = (label.category, label.type, label.site, label.modifier)
    return [label.name, *(code.meaning for code in codes_of if code is not None)]


def concept(code: Concept) -> CodedConcept:
    """As highdicom takes it."""
    return CodedConcept(code.value, code.scheme, code.meaning)


def _parameters(algorithm: Algorithm) -> dict[str, str]:
    """As "name=value" joined by commas in one attribute, so neither may hold one of these signs."""
    return {name.replace(" ", "_"): value.replace(",", ";").replace("=", ":") for name, value in algorithm.parts}


def describe(segment: Segment, label: CodedLabel, algorithm: Algorithm) -> SegmentDescription:
    """An item of SegmentSequence (PS3.3 C.8.20.4)."""
    item = SegmentDescription(
        segment_number=segment.number,
        segment_label=label.name,
        segmented_property_category=concept(label.category),
        segmented_property_type=concept(label.type),
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=AlgorithmIdentificationSequence(
            name=short(algorithm.name),
            family=codes.cid7162.ArtificialIntelligence,
            version=short(algorithm.version),
            source=short(algorithm.manufacturer),
            parameters={"bundle_sha256": algorithm.digest, **_parameters(algorithm)},
        ),
        tracking_uid=segment.tracking_uid,
        tracking_id=segment.name,
        anatomic_regions=None if label.site is None else [concept(label.site)],
        display_color=None if label.colour is None else CIELabColor.from_rgb(*label.colour),
    )
    item.SegmentDescription = f"label map value {segment.value}"
    if label.modifier is not None:
        item.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [concept(label.modifier)]
    return item
