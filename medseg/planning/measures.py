"""What one labelled study holds, measured once: sizes, intensities under the labels, where the labels lie."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from medseg.core.geometry import axis_codes, spacing_of, voxel_ml
from medseg.core.types import Affine, BoolArray, LabelArray, Shape
from medseg.core.volume import Volume
from medseg.planning.likeness import signature_of

CountParts = Callable[[BoolArray], tuple[int, int]]
Triple = tuple[float, float, float]

QUANTILES = 201  # per channel and study: every half percent, so that the 0.5th and the 99.5th are among them
_CODES = ("LR", "PA", "IS")  # of the axes right, front, top


@dataclass(frozen=True)
class ChannelMeasures:
    """Intensities of one channel of one study.

    Attributes:
        low: Smallest value of the image.
        high: Largest.
        mean: Under the labels; 0 where nothing is labelled.
        deviation: Under the labels.
        quantiles: ``QUANTILES`` of them under the labels, from the smallest to the largest value; empty where
            nothing is labelled.
    """

    low: float
    high: float
    mean: float
    deviation: float
    quantiles: tuple[float, ...]


@dataclass(frozen=True)
class LabelMeasures:
    """One label of one study.

    Attributes:
        voxels: How many.
        ml: Their volume.
        centre_mm: Centre of mass from the centre of the body, towards right, front and top.
        spread_mm: Standard deviation along right, front and top.
        parts: Connected parts, neighbours by face, edge or corner.
        largest_share: Share of the voxels in the largest part.
    """

    voxels: int
    ml: float
    centre_mm: Triple
    spread_mm: Triple
    parts: int
    largest_share: float


@dataclass(frozen=True)
class StudyMeasures:
    """One study, its axes brought to right, front and top.

    Attributes:
        shape: (I, J, K).
        spacing_mm: Voxel size.
        stored_axes: As in the file, for example "LPS".
        box: Shape of the smallest box that holds all voxels that are not 0.
        zero_share: Share of the voxels that are 0 in every channel.
        channels: In the order of the study.
        labels: Written value to its measures; values that do not occur are left out.
        digest: SHA-256 of shape and voxels, whatever order of axes and format they are stored in.
        signature: What the image looks like from afar, for ``likeness``.
    """

    shape: Shape
    spacing_mm: Triple
    stored_axes: str
    box: Shape
    zero_share: float
    channels: tuple[ChannelMeasures, ...]
    labels: Mapping[int, LabelMeasures]
    digest: str
    signature: bytes

    @property
    def labelled_voxels(self) -> int:
        """Voxels of any label."""
        return sum(label.voxels for label in self.labels.values())


def measure_study(volume: Volume, label: LabelArray, *, count_parts: CountParts) -> StudyMeasures:
    """Measures of a study.

    Args:
        volume: Channels (C, I, J, K).
        label: Written values (I, J, K), on the same grid.
        count_parts: Number of connected parts of a mask, and voxels of the largest.
    """
    array, spacing = _to_ras(volume.array, volume.affine_ras)
    values, _ = _to_ras(label[None], volume.affine_ras)
    inside = values[0] > 0
    present = np.any(array != 0, axis=0)
    box = _box(present)
    centre = np.array([(span.start + span.stop - 1) / 2 for span in box])
    return StudyMeasures(
        shape=tuple(array.shape[1:]),
        spacing_mm=spacing,
        stored_axes=axis_codes(volume.affine_ras),
        box=tuple(span.stop - span.start for span in box),
        zero_share=1.0 - float(np.count_nonzero(present)) / present.size,
        channels=tuple(_channel(channel, inside) for channel in array),
        labels=_labels(values[0], inside, spacing, centre, voxel_ml(volume.affine_ras), count_parts),
        digest=_digest(array),
        signature=signature_of(array),
    )


def _to_ras(array: npt.NDArray[Any], affine: Affine) -> tuple[npt.NDArray[Any], Triple]:
    """Array (C, I, J, K) with axes along right, front and top, and its spacing."""
    codes = axis_codes(affine)
    axes = [next(n for n, code in enumerate(codes) if code in pair) for pair in _CODES]
    turned = [n for n, axis in enumerate(axes) if codes[axis] == _CODES[n][0]]
    array = np.flip(array.transpose(0, *(axis + 1 for axis in axes)), tuple(n + 1 for n in turned))
    spacing = spacing_of(affine)
    return np.ascontiguousarray(array), (spacing[axes[0]], spacing[axes[1]], spacing[axes[2]])


def _box(mask: BoolArray) -> tuple[slice, ...]:
    """Smallest box that holds a mask; everything where the mask is empty."""
    spans = []
    for axis in range(mask.ndim):
        along = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        spans.append(slice(int(along[0]), int(along[-1]) + 1) if along.size else slice(0, mask.shape[axis]))
    return tuple(spans)


def _channel(channel: npt.NDArray[Any], inside: BoolArray) -> ChannelMeasures:
    low, high = float(channel.min()), float(channel.max())
    values = channel[inside].astype(np.float64)
    if not values.size:
        return ChannelMeasures(low, high, 0.0, 0.0, ())
    quantiles = np.quantile(values, np.linspace(0, 1, QUANTILES))
    return ChannelMeasures(low, high, float(values.mean()), float(values.std()), tuple(quantiles.tolist()))


def _labels(
    values: LabelArray, inside: BoolArray, spacing: Triple, centre: npt.NDArray[Any], ml: float, count: CountParts
) -> dict[int, LabelMeasures]:
    box = _box(inside)
    cut, start = values[box], np.array([span.start for span in box])
    found = {}
    for value in np.flatnonzero(np.bincount(cut.ravel())[1:]) + 1:
        mask = cut == value
        voxels = int(np.count_nonzero(mask))
        along = [_along(mask, axis, start[axis] - centre[axis], spacing[axis]) for axis in range(3)]
        parts, largest = count(mask)
        found[int(value)] = LabelMeasures(
            voxels=voxels,
            ml=voxels * ml,
            centre_mm=_triple([mean for mean, _ in along]),
            spread_mm=_triple([deviation for _, deviation in along]),
            parts=parts,
            largest_share=largest / voxels,
        )
    return found


def _along(mask: BoolArray, axis: int, start: float, length_mm: float) -> tuple[float, float]:
    """Mean and standard deviation of the positions along an axis, in mm; the first voxel lies at ``start`` voxels."""
    counts = np.count_nonzero(mask, axis=tuple(other for other in range(3) if other != axis))
    positions = (np.arange(counts.size) + start) * length_mm
    mean = np.average(positions, weights=counts)
    return float(mean), float(np.sqrt(np.average((positions - mean) ** 2, weights=counts)))


def _triple(values: Sequence[float]) -> Triple:
    return float(values[0]), float(values[1]), float(values[2])


def _digest(array: npt.NDArray[Any]) -> str:
    digest = hashlib.sha256(str(array.shape).encode())
    digest.update(np.ascontiguousarray(array, np.float32).data)
    return digest.hexdigest()
