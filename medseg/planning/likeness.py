"""Whether two images show the same: a small signature of each, and pairs that are too much alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

# Correlation of two signatures above which images count as copies. Measured: copies with noise of 30 % of the
# deviation, a gamma of 0.6 or a blur of 0.7 voxels keep 0.984 and more; different patients reach 0.963 (brains in one
# atlas space) and 0.80 (crops around a hippocampus). A copy moved by a voxel or cropped is not found this way.
ALIKE = 0.98
GRID = 24  # values along each axis that is longer than one voxel: sees what sets two heads apart, in 14 kB a channel
_CLIP = 4.0  # standard deviations; one bright vessel must not outweigh the rest
_LEVELS = 127  # of one byte


def signature_of(array: npt.NDArray[Any]) -> bytes:
    """What an image looks like from afar: each channel on a small grid, mean 0 and deviation 1, one byte a value.

    Args:
        array: Channels (C, I, J, K), axes along right, front and top.
    """
    return b"".join(_small(channel).tobytes() for channel in array)


def _small(channel: npt.NDArray[Any]) -> npt.NDArray[np.int8]:
    small = channel.astype(np.float64) if channel.size < GRID**3 else channel.astype(np.float32)
    for axis in range(3):
        small = _means(small, axis)
    deviation = float(small.std())
    scored = (small - small.mean()) / deviation if deviation > 0 else np.zeros_like(small)
    return np.round(np.clip(scored, -_CLIP, _CLIP) * (_LEVELS / _CLIP)).astype(np.int8)


def _means(array: npt.NDArray[Any], axis: int) -> npt.NDArray[Any]:
    """Means of ``GRID`` equal stretches along an axis; a shorter axis repeats its nearest values."""
    n = array.shape[axis]
    if n == 1:
        return array
    if n < GRID:
        return np.asarray(np.take(array, (np.arange(GRID) * 2 + 1) * n // (2 * GRID), axis))
    starts = np.arange(GRID) * n // GRID
    lengths = np.diff([*starts, n])
    shape = [1] * array.ndim
    shape[axis] = GRID
    return np.asarray(np.add.reduceat(array, starts, axis) / lengths.reshape(shape))


@dataclass(frozen=True)
class Image:
    """One study, for comparison with the others.

    Attributes:
        study: Its id.
        patient: Images of one patient may be alike.
        digest: Equal for equal voxels.
        signature: From ``signature_of``.
    """

    study: str
    patient: str
    digest: str
    signature: bytes


@dataclass(frozen=True)
class Pair:
    """Two studies of different patients whose images are too much alike.

    Attributes:
        first: Study id.
        second: Study id.
        correlation: Of their signatures; 1 where the voxels are equal.
        equal: Whether every voxel is equal.
    """

    first: str
    second: str
    correlation: float
    equal: bool


def find_pairs(images: Sequence[Image]) -> list[Pair]:
    """Images of different patients that are equal or nearly so, the equal ones first."""
    pairs = []
    for length in sorted({len(image.signature) for image in images}):  # others differ in channels or dimensions
        group = [image for image in images if len(image.signature) == length]
        likeness = _correlations(group)
        for first, second in zip(*np.nonzero(np.triu(likeness, 1)), strict=True):
            one, other = group[first], group[second]
            equal = one.digest == other.digest
            if one.patient != other.patient and (equal or likeness[first, second] > ALIKE):
                correlation = 1.0 if equal else float(likeness[first, second])
                pairs.append(Pair(one.study, other.study, correlation, equal))
    return sorted(pairs, key=lambda pair: (not pair.equal, pair.first, pair.second))


def values_of(signature: bytes) -> npt.NDArray[np.float32]:
    """A signature as numbers, mean 0 and length 1; zeros for an image without contrast."""
    values = np.frombuffer(signature, np.int8).astype(np.float32)
    values -= values.mean()
    length = float(np.linalg.norm(values))
    return values / length if length else values


def _correlations(images: Sequence[Image]) -> npt.NDArray[np.float64]:
    """Likeness of each pair, 0 where it is of no interest; equal images get 1 also where they have no contrast."""
    values = np.stack([values_of(image.signature) for image in images])
    found = np.clip(values @ values.T, -1.0, 1.0).astype(np.float64)
    digests = np.array([image.digest for image in images])
    found[digests[:, None] == digests[None, :]] = 1.0
    return np.where(found > ALIKE, found, 0.0)
