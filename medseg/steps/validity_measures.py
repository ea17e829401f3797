"""Measure which scans a model was trained on, and set how far from them a scan may be.

A scan is refused where a network that was given it would work on another task: another modality; voxels half as long or
twice as long as any it saw, so that nothing has the size it learned; a field half or twice as long, which is another
part of the body, or a crop. It is warned of where it lies a little outside of what was seen: such results are often
right, and nobody has measured how often.

Intensities count as the network gets them. Where the preprocessing brings each image to one scale (MR has no unit; in
one data set the highest values reach from 4 to 1.7 million) their size says nothing, and what is left of them is where
the median lies between low and high values. Where it does not, as with Hounsfield units, the values themselves count.
So with directions: where a chain turns every scan alike, how it was stored does not matter.

Pictures have no millimetres and no directions. Their sides are left out too: a larger picture shows more of the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from medseg.bundle.contract import middle_transforms
from medseg.bundle.read import Bundle
from medseg.bundle.validity import AXES, INTENSITIES, LabelLimits, Limits, Span, Validity
from medseg.core.errors import DatalistError
from medseg.core.geometry import axis_codes, voxel_ml
from medseg.core.labels import voxels_of
from medseg.core.study import Study
from medseg.core.volume import Volume
from medseg.planning.modality import asked_modality

REFUSE_FACTOR = 2.0  # of the smallest and the largest spacing and extent: the next level of a network's pyramid
GEOMETRY_SHARE = 0.1  # beyond the seen spacing or extent; grids of one protocol differ by less
INTENSITY_SHARE = 0.25  # of the width or the size of the seen range, whichever is more: scanners drift by less
POSITION_LEAST = 0.05  # of the way from low to high values: a few studies may by chance be much alike
VOLUME_SHARE = 0.25  # beyond the seen volumes of a label: organs of patients differ by more than those of a few hundred
LOOKED_AT = 2**17  # voxels of a channel at most, about: 650 of them lie beyond the 0.5th percentile
_DIGITS = 6  # of a number in the file
_QUANTILES = (0.005, 0.5, 0.995)
_SIDES = ("LR", "PA", "IS")  # of ``AXES``
_ACQUIRED = ("CT", "MR", "PT", "NM")  # modalities of the DICOM series that are read as scans
_IN_UNITS = re.compile(r"(ScaleIntensityRange|ThresholdIntensity)(d|D|Dict)")
_TO_ONE_SCALE = re.compile(
    r"(NormalizeIntensity|ScaleIntensity|ScaleIntensityRangePercentiles|HistogramNormalize)(d|D|Dict)"
)


@dataclass(frozen=True)
class ScanMeasures:
    """What one scan is like.

    Attributes:
        spacing_mm: Along each of ``AXES``.
        extent_mm: Voxels times spacing along each of ``AXES``.
        orientation: Stored directions of the voxel axes, for example "RAS".
        intensity: Channel to each of ``INTENSITIES``; empty where a channel shows nothing.
    """

    spacing_mm: Mapping[str, float]
    extent_mm: Mapping[str, float]
    orientation: str
    intensity: Mapping[str, Mapping[str, float]]


def measure_scan(volume: Volume, channels: Sequence[str]) -> ScanMeasures:
    """What a scan is like, from about ``LOOKED_AT`` voxels of each channel.

    Args:
        volume: Channels (C, I, J, K).
        channels: Their names.
    """
    codes = axis_codes(volume.affine_ras)
    axes = {
        name: next(n for n, code in enumerate(codes) if code in pair) for name, pair in zip(AXES, _SIDES, strict=True)
    }
    spacing = {name: volume.spacing_mm[axis] for name, axis in axes.items()}
    extent = {name: volume.shape[axis] * spacing[name] for name, axis in axes.items()}
    intensity = {name: intensities_of(array) for name, array in zip(channels, volume.array, strict=True)}
    return ScanMeasures(spacing, extent, codes, intensity)


def intensities_of(channel: npt.NDArray[np.generic[Any]]) -> dict[str, float]:
    """Low, middle and high values of what is no background, and where the middle lies between the others.

    Background is what is 0, as masks leave it, and the smallest value, with which scanners fill up: -1024 in CT.
    Percentiles are the nearest voxel's value, without interpolation.

    Args:
        channel: (I, J, K).

    Returns:
        Each of ``INTENSITIES``; median_position is 0 at low and 1 at high values, and 0 where they are one. Empty
        where all voxels are background.
    """
    step = max(1, math.ceil((channel.size / LOOKED_AT) ** (1 / 3)))
    values = channel[::step, ::step, ::step].ravel()
    body = values[(values != 0) & (values != values.min())]
    if not body.size:
        return {}
    ranks = [round(share * (body.size - 1)) for share in _QUANTILES]
    ordered = np.partition(body, ranks)
    low, middle, high = (float(ordered[rank]) for rank in ranks)
    position = (middle - low) / (high - low) if high > low else 0.0
    return dict(zip(INTENSITIES, (low, middle, high, position), strict=True))


def measure_validity(
    bundle: Bundle,
    studies: Sequence[Study],
    *,
    class_of_value: Mapping[int, int],
    patients: int,
    seen: Callable[[], object] = lambda: None,
) -> Validity:
    """What a bundle was trained on, from the studies themselves; one is in memory at a time.

    Args:
        bundle: Names channels, labels and modality; its preprocessing says what of intensities counts.
        studies: Trained on or chosen by, with channels in the bundle's order; those without a label are measured too.
        class_of_value: Written label value to class index.
        patients: Of how many these studies are.
        seen: Called after each study.

    Raises:
        DatalistError: There is no study.
        FileError: A file cannot be read.
        GeometryError: A file cannot be placed in the patient.
    """
    if not studies:
        raise DatalistError(f"Bundle '{bundle.name}': no study to measure what it may be used on; give some.")
    from medseg.io.study import read_study  # here: what is checked at inference reads no study

    names = [channel.name for channel in bundle.channels]
    scans, volumes = [], []
    for study in studies:
        scans.append(measure_scan(read_study(study), names))
        if study.label is not None:
            volumes.append(_label_volumes(bundle, study, class_of_value))
        seen()
    return _validity(bundle, scans, volumes, patients)


def counts_in_units(bundle: Bundle) -> bool:
    """Whether the network gets intensities in their own units: the chain brings no image to a scale of its own.

    The first step decides that looks at values: after a window of HU has cut them, they have had a unit.
    """
    for step in middle_transforms(bundle.inference["preprocessing"]):
        name = str(step["_target_"]).rpartition(".")[2]
        if _IN_UNITS.fullmatch(name):
            return True
        if _TO_ONE_SCALE.fullmatch(name):
            given = {"subtrahend", "divisor"} & {key for key, value in step.items() if value is not None}
            by_factor = "minv" in step and step["minv"] is None
            return bool(given) or by_factor
    return True


def turns_all_alike(bundle: Bundle) -> bool:
    """Whether the chain brings the axes of every scan to the same directions."""
    names = [str(step["_target_"]).rpartition(".")[2] for step in middle_transforms(bundle.inference["preprocessing"])]
    return any(re.fullmatch("Orientation(d|D|Dict)", name) for name in names)


def modalities_of(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """Modalities that a metadata.json names for its input, as DICOM writes them; empty where it names none of these."""
    found: Any = metadata
    for key in ("network_data_format", "inputs", "image", "modality"):
        found = found.get(key) if isinstance(found, Mapping) else None
    words = re.findall(r"[A-Za-z0-9]+", found) if isinstance(found, str) else []
    named = dict.fromkeys(asked_modality(word) for word in words)
    return tuple(name for name in named if name in _ACQUIRED)


def _label_volumes(bundle: Bundle, study: Study, class_of_value: Mapping[int, int]) -> dict[str, float]:
    """Millilitres of each label, 0 where it is absent."""
    from medseg.io.study import read_study_label

    labels, affine = read_study_label(study)
    voxels, ml = voxels_of(labels, class_of_value), voxel_ml(affine)
    return {
        label.name: ml * sum(voxels[value] for value, index in class_of_value.items() if index == n)
        for n, label in enumerate(bundle.labels.labels, 1)
    }


def _validity(
    bundle: Bundle, scans: Sequence[ScanMeasures], volumes: Sequence[Mapping[str, float]], patients: int
) -> Validity:
    is_placed = not bundle.takes_pictures
    axes = AXES if is_placed else ()
    return Validity(
        studies=len(scans),
        patients=patients,
        modality=modalities_of(bundle.metadata) if is_placed else (),
        spacing_mm={axis: _geometry_limits([scan.spacing_mm[axis] for scan in scans]) for axis in axes},
        extent_mm={axis: _geometry_limits([scan.extent_mm[axis] for scan in scans]) for axis in axes},
        orientation=tuple(sorted({scan.orientation for scan in scans})) if is_placed else (),
        orientation_matters=is_placed and not turns_all_alike(bundle),
        intensity={
            channel.name: _intensity_limits(
                [one for scan in scans if (one := scan.intensity[channel.name])], in_units=counts_in_units(bundle)
            )
            for channel in bundle.channels
        },
        labels={
            label.name: _label_limits([one[label.name] for one in volumes], in_ml=is_placed)
            for label in bundle.labels.labels
        },
    )


def _geometry_limits(values: Sequence[float]) -> Limits:
    low, high = min(values), max(values)
    return Limits(
        seen=_rounded(low, high),
        warn=_rounded(low * (1 - GEOMETRY_SHARE), high * (1 + GEOMETRY_SHARE)),
        refuse=_rounded(low / REFUSE_FACTOR, high * REFUSE_FACTOR),
    )


def _intensity_limits(found: Sequence[Mapping[str, float]], *, in_units: bool) -> dict[str, Limits]:
    """Of values where they count in their units, of the median's position where they do not."""
    limits = {}
    for name in INTENSITIES if found else ():
        low, high = min(one[name] for one in found), max(one[name] for one in found)
        if name == "median_position":
            margin = max(INTENSITY_SHARE * (high - low), POSITION_LEAST)
        else:
            margin = INTENSITY_SHARE * max(high - low, abs(low), abs(high))
        counts = in_units != (name == "median_position")
        limits[name] = Limits(_rounded(low, high), _rounded(low - margin, high + margin) if counts else None)
    return limits


def _label_limits(volumes: Sequence[float], *, in_ml: bool) -> LabelLimits:
    """A label that no study shows is expected in none."""
    there = [ml for ml in volumes if ml > 0]
    absent = len(there) < len(volumes) or not volumes
    if not there or not in_ml:
        return LabelLimits(None, absent)
    low, high = min(there), max(there)
    return LabelLimits(
        Limits(_rounded(low, high), _rounded(low * (1 - VOLUME_SHARE), high * (1 + VOLUME_SHARE))), absent
    )


def _rounded(low: float, high: float) -> Span:
    return float(f"{low:.{_DIGITS}g}"), float(f"{high:.{_DIGITS}g}")
