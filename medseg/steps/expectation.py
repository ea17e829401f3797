"""Whether a scan, and what was found in it, looks like what the model was made for, where its bundle says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from medseg.bundle.expected_input import ExpectedInput
from medseg.bundle.validity import Limits, Validity
from medseg.core.geometry import voxel_ml
from medseg.core.verdict import Finding, Verdict
from medseg.runs.report_facts import Measurement
from medseg.steps.jobs import Scan
from medseg.steps.validity_measures import ScanMeasures, measure_scan

_ALONG = {"right": "from left to right", "front": "from back to front", "top": "from bottom to top"}
_VALUES = {
    "p0.5": "0.5th percentile of intensities",
    "p50": "median intensity",
    "p99.5": "99.5th percentile of intensities",
    "median_position": "median intensity, between low (0) and high (1) values,",
}


def with_expectation(scan: Scan, expected: ExpectedInput | None) -> Scan:
    """The scan with a warning first where a channel is unlike what the model was made for.

    Args:
        scan: As read.
        expected: Of the bundle; None where it does not say.
    """
    if expected is None:
        return scan
    ml = voxel_ml(scan.volume.affine_ras)
    volumes = {
        channel.name: np.count_nonzero(array) * ml
        for channel, array in zip(scan.channels, scan.volume.array, strict=True)
    }
    name = max(volumes, key=lambda channel: volumes[channel])
    if volumes[name] <= expected.nonzero_ml_at_most:
        return scan
    sentence = (
        f"channel {name} has {volumes[name]:.0f} ml of voxels that are not 0, the model expects at most "
        f"{expected.nonzero_ml_at_most:g} ml: {expected.because}. Do not trust the result."
    )
    return replace(scan, warnings=(Finding("unlike_training", sentence), *scan.warnings))


def judge_scan(scan: Scan, validities: Sequence[Validity], *, modality: str) -> Verdict:
    """Whether models may be used on a scan: refused where one of them may not, warned of what one of them did not see.

    Args:
        scan: As read.
        validities: Of the members of a model; none accepts everything. What several find wrong is told once, as the
            first says it.
        modality: As DICOM writes it; empty where unknown, and then it is not checked.
    """
    if not validities:
        return Verdict()
    measured = measure_scan(scan.volume, [channel.name for channel in scan.channels])
    wrong = _each_once(fault for one in validities for fault in _hard(one, measured, modality))
    odd = _each_once(fault for one in validities for fault in _soft(one, measured))
    if wrong:
        sentence = (
            f"the scan is outside of what the model may be used on: {'; '.join(wrong)}. Give a scan like those it was "
            "trained on, or take a model that was trained on such scans."
        )
        return Verdict(refusals=(Finding("outside_validity", sentence),))
    return Verdict(warnings=tuple(Finding("unlike_training", f"{one}. Look at the result closely.") for one in odd))


def judge_result(measurements: Sequence[Measurement], validities: Sequence[Validity]) -> tuple[Finding, ...]:
    """Warnings of labels with a volume that no training study had, and of labels that are missing.

    Args:
        measurements: Of labels, and of regions, which are passed over.
        validities: Of the members of a model.
    """
    odd = _each_once(fault for one in validities for fault in _odd_labels(one, measurements))
    return tuple(Finding("unlike_training", f"{one}. Check the result.") for one in odd)


def _each_once(faults: Iterator[tuple[str, str]]) -> list[str]:
    """Sentences about different things; the first one about each."""
    told: dict[str, str] = {}
    for about, sentence in faults:
        told.setdefault(about, sentence)
    return list(told.values())


def _hard(validity: Validity, measured: ScanMeasures, modality: str) -> Iterator[tuple[str, str]]:
    if modality and validity.modality and modality not in validity.modality:
        yield "modality", f"its modality is {modality}, it must be {' or '.join(validity.modality)}"
    for about, value, limits in _lengths(validity, measured):
        if limits.refuse is not None and limits.refuses(value):
            low, high = limits.refuse
            yield about, f"{about} is {value:.4g} mm, it must be {low:.4g} to {high:.4g} mm"


def _soft(validity: Validity, measured: ScanMeasures) -> Iterator[tuple[str, str]]:
    for about, value, limits in _lengths(validity, measured):
        if limits.warns_of(value):
            yield about, f"{about} is {value:.4g} mm; {_trained_with(limits, ' mm')}"
    if validity.orientation_matters and measured.orientation not in validity.orientation:
        yield (
            "orientation",
            f"voxel axes are stored as {measured.orientation}; in training they were {', '.join(validity.orientation)}",
        )
    for channel, found in measured.intensity.items():
        expected = validity.intensity.get(channel, {})
        if expected and not found:
            yield f"channel {channel}", f"channel {channel} shows nothing: every voxel is 0 or the smallest value"
        for name, value in found.items():
            if name in expected and expected[name].warns_of(value):
                about = f"channel {channel}: {_VALUES[name]}"
                yield about, f"{about} is {value:.4g}; {_trained_with(expected[name])}"


def _lengths(validity: Validity, measured: ScanMeasures) -> Iterator[tuple[str, float, Limits]]:
    for axis, limits in validity.spacing_mm.items():
        yield f"spacing {_ALONG[axis]}", measured.spacing_mm[axis], limits
    for axis, limits in validity.extent_mm.items():
        yield f"extent {_ALONG[axis]}", measured.extent_mm[axis], limits


def _odd_labels(validity: Validity, measurements: Sequence[Measurement]) -> Iterator[tuple[str, str]]:
    for one in measurements:
        expected = validity.labels.get(one.name)
        if one.is_region or expected is None:
            continue
        about, limits = f"label {one.name}", expected.volume_ml
        if not one.voxels and not expected.may_be_absent:
            yield about, f"{about} was not found; every training study had it"
        if one.voxels and limits is not None and limits.warns_of(one.volume_ml):
            yield about, f"{about} has {one.volume_ml:.4g} ml; {_trained_with(limits, ' ml')}"


def _trained_with(limits: Limits, unit: str = "") -> str:
    low, high = limits.seen
    return (
        f"the model was trained with {low:.4g} to {high:.4g}{unit}"
        if low < high
        else f"it was {low:.4g}{unit} in training"
    )
