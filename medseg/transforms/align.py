"""Bring a label map onto another grid of the same patient, exactly where that is possible."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from medseg.core.types import Affine, LabelArray, Shape

# A step between grids is a flip, a permutation or a crop when every entry is this near a whole number.
# Float32 headers give errors near 1e-6 voxels; a real resampling differs by far more.
WHOLE_TOLERANCE = 1e-3


def align_label(classes: LabelArray, affine: Affine, shape: Shape, target_affine: Affine) -> LabelArray:
    """Class indices on another grid.

    Where the grids differ by flips, swapped axes, crops and pads alone, voxels are copied. Otherwise
    the share of each class is interpolated linearly and the largest wins: thin structures survive
    better than under nearest-neighbour sampling.

    Args:
        classes: (I, J, K) class indices.
        affine: Of ``classes``.
        shape: Target spatial shape.
        target_affine: Of the target grid.

    Returns:
        Class indices of ``shape``; 0 outside the source.
    """
    step = np.linalg.inv(affine) @ target_affine
    if np.abs(step - np.round(step)).max() < WHOLE_TOLERANCE and _is_permutation(np.round(step[:3, :3])):
        return _copy(classes, np.round(step).astype(int), shape)
    return _interpolate(classes, step, shape)


def _is_permutation(matrix: Affine) -> bool:
    absolute = np.abs(matrix)
    return bool((absolute.sum(0) == 1).all() and (absolute.sum(1) == 1).all())


def _copy(classes: LabelArray, step: np.ndarray, shape: Shape) -> LabelArray:
    source_axis = np.abs(step[:3, :3]).argmax(0)  # which source axis each target axis runs along
    indices, inside = [], []
    for target, source in enumerate(source_axis):
        index = np.arange(shape[target]) * step[source, target] + step[source, 3]
        inside.append((index >= 0) & (index < classes.shape[source]))
        indices.append(np.clip(index, 0, classes.shape[source] - 1))
    picked = classes.transpose(*source_axis)[np.ix_(*indices)]
    i, j, k = (mask.reshape([-1 if n == axis else 1 for n in range(3)]) for axis, mask in enumerate(inside))
    return np.ascontiguousarray(np.where(i & j & k, picked, np.uint8(0)))


def _interpolate(classes: LabelArray, step: Affine, shape: Shape) -> LabelArray:
    grid = _sampling_grid(step, classes.shape, shape)
    best_share = np.full(shape, 0.0, np.float32)
    result = np.zeros(shape, np.uint8)
    present = np.unique(classes)
    for index in present:
        mask = torch.from_numpy((classes == index).astype(np.float32))[None, None]
        share = F.grid_sample(mask, grid, mode="bilinear", padding_mode="zeros", align_corners=True)[0, 0].numpy()
        wins = share > best_share
        best_share[wins], result[wins] = share[wins], index
    return result


def _sampling_grid(step: Affine, source_shape: Shape, shape: Shape) -> torch.Tensor:
    axes = [torch.arange(n, dtype=torch.float64) for n in shape]
    voxels = torch.stack([*torch.meshgrid(*axes, indexing="ij"), torch.ones(shape, dtype=torch.float64)], dim=-1)
    source = voxels @ torch.from_numpy(step[:3]).T
    scale = torch.tensor([max(n - 1, 1) for n in source_shape], dtype=torch.float64)
    # grid_sample wants -1..1 and the fastest axis first.
    return (source / scale * 2 - 1).flip(-1).float()[None]
