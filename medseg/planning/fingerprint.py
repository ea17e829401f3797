"""What a whole data set holds: medians and ranges over its studies, as plain numbers a plan can be made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from medseg.planning.measures import QUANTILES, StudyMeasures, Triple
from medseg.planning.mirroring import Mirroring, judge_mirroring

Range = tuple[Triple, Triple, Triple]  # smallest, median, largest along each axis
_DIGITS = 6  # significant; enough for a reader, and the same on every machine


@dataclass(frozen=True)
class Source:
    """What the data says of itself.

    Attributes:
        title: Its name; the folder's where it gives none.
        layout: In words.
        reference: Where it was published; empty where it does not say.
        licence: Empty where it does not say.
        channels: Names in order.
        labels: Written value to name.
        modality: "MR", "CT", "microscopy", another DICOM word, or "unknown".
        modality_from: Who said so.
        endings: How the files of the channels end, in order; empty where one file holds all.
        instances: Values of the label number objects.
        pictures: Studies are PNG or TIFF files, which have neither directions nor millimetres.
    """

    title: str
    layout: str
    reference: str
    licence: str
    channels: tuple[str, ...]
    labels: Mapping[int, str]
    modality: str
    modality_from: str
    endings: tuple[str, ...] = ()
    instances: bool = False
    pictures: bool = False


@dataclass(frozen=True)
class Intensity:
    """One channel over all studies.

    Attributes:
        low: Smallest value of any image.
        high: Largest.
        highs: Smallest and largest of the images' maxima.
        mean: Under the labels, over all labelled voxels.
        deviation: Under the labels.
        clip: 0.5th and 99.5th percentile under the labels.
    """

    low: float
    high: float
    highs: tuple[float, float]
    mean: float
    deviation: float
    clip: tuple[float, float]


@dataclass(frozen=True)
class LabelSummary:
    """One label over all studies.

    Attributes:
        present: In how many studies.
        ml: Smallest, median and largest volume where it is present.
        single: Share of these studies in which it is one connected part.
        largest: Median share of its voxels in the largest part.
    """

    present: int
    ml: tuple[float, float, float]
    single: float
    largest: float


@dataclass(frozen=True)
class Fingerprint:
    """What a data set holds; axes run to the right, the front and the top.

    Attributes:
        source: What it says of itself.
        studies: With a label.
        patients: Theirs.
        spacings: Voxel sizes, one row per study, sorted by study.
        shapes: One row per study.
        boxes: Shapes of the parts that are not 0, one row per study.
        orientations: Stored axes to number of studies.
        zero_share: Median share of voxels that are 0 in every channel.
        foreground_share: Median share of labelled voxels.
        intensities: Per channel.
        labels: Written value to its summary.
        thin_axis: The axis along which every study is one voxel thick; None in 3D.
        mirroring: Per axis whether it may be mirrored.
    """

    source: Source
    studies: int
    patients: int
    spacings: tuple[Triple, ...]
    shapes: tuple[tuple[int, ...], ...]
    boxes: tuple[tuple[int, ...], ...]
    orientations: Mapping[str, int]
    zero_share: float
    foreground_share: float
    intensities: tuple[Intensity, ...]
    labels: Mapping[int, LabelSummary]
    thin_axis: int | None
    mirroring: tuple[Mirroring, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values for a file: ranges instead of a row per study, rounded."""
        plain = asdict(self)
        for key in ("spacings", "shapes", "boxes"):
            plain[key] = dict(zip(("smallest", "median", "largest"), range_of(plain[key]), strict=True))
        return dict(_rounded(plain))


def fingerprint_of(source: Source, measures: Mapping[str, StudyMeasures], patients: int) -> Fingerprint:
    """Fingerprint of measured studies.

    Args:
        source: What the data says of itself.
        measures: Study id to measures, at least one; sorted by id.
        patients: How many patients they are of.
    """
    studies = [measures[name] for name in sorted(measures)]
    thin = [axis for axis in range(3) if all(study.shape[axis] == 1 for study in studies)]
    thin_axis = thin[-1] if thin else None
    axes = [axis for axis in range(3) if axis != thin_axis]
    codes = sorted(study.stored_axes for study in studies)
    return Fingerprint(
        source=source,
        studies=len(studies),
        patients=patients,
        spacings=tuple(study.spacing_mm for study in studies),
        shapes=tuple(study.shape for study in studies),
        boxes=tuple(study.box for study in studies),
        orientations={code: codes.count(code) for code in dict.fromkeys(codes)},
        zero_share=float(np.median([study.zero_share for study in studies])),
        foreground_share=float(np.median([study.labelled_voxels / np.prod(study.shape) for study in studies])),
        intensities=tuple(_intensity(studies, n) for n in range(len(source.channels))),
        labels={value: _label(studies, value) for value in source.labels},
        thin_axis=thin_axis,
        mirroring=judge_mirroring(studies, source.labels, axes=axes, is_patient=is_patient(source.modality)),
    )


def is_patient(modality: str) -> bool:
    """Whether the axes of such images are directions of a body."""
    return modality != "microscopy"


def range_of(rows: Sequence[Sequence[float]]) -> Range:
    """Smallest, median and largest along each axis."""
    values = np.asarray(rows, np.float64)
    low, middle, high = (tuple(row.tolist()) for row in (values.min(0), np.median(values, 0), values.max(0)))
    return low, middle, high


def _intensity(studies: Sequence[StudyMeasures], channel: int) -> Intensity:
    found = [study.channels[channel] for study in studies]
    highs = [one.high for one in found]
    weights = np.array([study.labelled_voxels for study in studies], np.float64)
    inside = [(one, weight) for one, weight in zip(found, weights, strict=True) if one.quantiles]
    total = float(sum(weight for _, weight in inside)) or 1.0
    mean = sum(one.mean * weight for one, weight in inside) / total
    square = sum((one.deviation**2 + one.mean**2) * weight for one, weight in inside) / total
    clip = _percentiles(inside)
    deviation = max(square - mean**2, 0.0) ** 0.5
    return Intensity(min(one.low for one in found), max(highs), (min(highs), max(highs)), mean, deviation, clip)


def _percentiles(inside: Sequence[tuple[Any, float]]) -> tuple[float, float]:
    """0.5th and 99.5th percentile of all labelled voxels, from the quantiles of the studies."""
    if not inside:
        return 0.0, 0.0
    values = np.concatenate([one.quantiles for one, _ in inside])
    weights = np.repeat([weight for _, weight in inside], QUANTILES)
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weights[order]) / weights.sum()
    low, high = (float(values[order][np.searchsorted(share, wanted)]) for wanted in (0.005, 0.995))
    return low, high


def _label(studies: Sequence[StudyMeasures], value: int) -> LabelSummary:
    found = [study.labels[value] for study in studies if value in study.labels]
    if not found:
        return LabelSummary(0, (0.0, 0.0, 0.0), 0.0, 0.0)
    volumes: npt.NDArray[np.float64] = np.array([label.ml for label in found])
    return LabelSummary(
        present=len(found),
        ml=(float(volumes.min()), float(np.median(volumes)), float(volumes.max())),
        single=sum(label.parts == 1 for label in found) / len(found),
        largest=float(np.median([label.largest_share for label in found])),
    )


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, Mapping):
        return {str(key): _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list | tuple) else value
