"""Fields that phantoms are drawn with: coordinates in mm, smooth noise, blur."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]  # (I, J, K)


def coordinates_mm(shape: Sequence[int], scale: float, angles: Sequence[float]) -> tuple[Field, Field, Field]:
    """Position of each voxel from the centre, turned by small angles about each axis.

    Args:
        shape: (I, J, K) of 1 mm voxels.
        scale: Size of the anatomy; positions are divided by it, so that anatomy is drawn at full size.
        angles: Radians about i, j, k.
    """
    i, j, k = np.meshgrid(*[(np.arange(n, dtype=np.float32) - (n - 1) / 2) / scale for n in shape], indexing="ij")
    for axis, angle in enumerate(angles):
        c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        if axis == 0:
            j, k = c * j - s * k, s * j + c * k
        elif axis == 1:
            i, k = c * i + s * k, c * k - s * i
        else:
            i, j = c * i - s * j, s * i + c * j
    return i, j, k


def smooth_noise(rng: np.random.Generator, shape: Sequence[int], grain: float) -> Field:
    """Gaussian noise of mean 0 and deviation 1 whose blobs are about ``grain`` voxels wide.

    Random values on a coarse lattice are spread by Gaussian weights along one axis after another,
    which costs three small matrix products.
    """
    grain = max(grain, 1.5)
    weights = [_spread(n, grain) for n in shape]
    field: Field = rng.standard_normal([w.shape[1] for w in weights]).astype(np.float32)
    for weight in weights:
        field = np.tensordot(field, weight, axes=([0], [1]))  # the axis done moves to the end; three turns restore
    field -= field.mean()
    return np.asarray(field / max(float(field.std()), 1e-6), np.float32)


def _spread(length: int, grain: float) -> Field:
    step = grain / 2
    nodes = np.arange(-grain, length + grain, step, dtype=np.float32)
    distance = (np.arange(length, dtype=np.float32)[:, None] - nodes[None]) / (grain / 2)
    return np.asarray(np.exp(-0.5 * distance**2), np.float32)


def blur(field: Field, axes: Sequence[int] = (0, 1, 2)) -> Field:
    """Weights 1, 2, 1 along each axis: the partial volume of a scanner's voxels."""
    for axis in axes:
        padded = np.pad(field, [(1, 1) if a == axis else (0, 0) for a in range(3)], mode="edge")
        before, after = (np.take(padded, range(s, s + field.shape[axis]), axis) for s in (0, 2))
        field = (0.5 * field + 0.25 * (before + after)).astype(np.float32)
    return field


def bias_field(rng: np.random.Generator, shape: Sequence[int], strength: float) -> Field:
    """Slow change of brightness over the volume, a factor about 1."""
    return np.asarray(np.exp(strength * smooth_noise(rng, shape, max(shape) / 2)), np.float32)
