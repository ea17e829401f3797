"""The input that a package declares for its network: the smallest size it names has to run, since MONAI tries that one.

"8*n" promises 8 voxels (``monai.bundle verify_net_in_out`` takes n = 1 unless told otherwise), but instance norm has
nothing to normalise where three halvings leave one voxel. What such a network keeps is "8*(n+1)": from 16 voxels on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch

_MULTIPLE = re.compile(r"\s*(?:([1-9]\d*)\s*\*\s*)?n\s*")  # "8*n", "n"
_MORE = (0, 1, 3, 7, 15, 31)  # steps that are left out at the lower end: up to the 32 voxels of five halvings from "n"
_SIDES = (("inputs", "image"), ("outputs", "pred"))


def with_least_input(metadata: Mapping[str, Any], network: torch.nn.Module) -> dict[str, Any]:
    """A metadata.json whose declared shape the network takes from its smallest size on; else as it was.

    Args:
        metadata: Declares num_channels and spatial_shape of image and pred.
        network: In eval mode, on the CPU.
    """
    declared = metadata["network_data_format"]
    image = declared["inputs"]["image"]
    shape = least_shape(network, image["num_channels"], image["spatial_shape"])
    if shape == list(image["spatial_shape"]):
        return dict(metadata)
    sides = {side: {**declared[side], key: {**declared[side][key], "spatial_shape": shape}} for side, key in _SIDES}
    return {**metadata, "network_data_format": {**declared, **sides}}


def least_shape(network: torch.nn.Module, channels: int, shape: Sequence[Any]) -> list[Any]:
    """The declared shape without the smallest sizes, if these do not run; steps between sizes stay as they are.

    Args:
        network: In eval mode, on the CPU.
        channels: Of its input.
        shape: Per axis, as metadata.json has it.

    Returns:
        ``shape`` itself where an axis is neither a number nor as "8*n", all are numbers, or no size that is tried runs.
    """
    steps = [_step(axis) for axis in shape]
    if not all(steps) or not any(isinstance(axis, str) for axis in shape):
        return list(shape)
    for more in _MORE:
        sizes = [step * (more + 1) if isinstance(axis, str) else step for axis, step in zip(shape, steps, strict=True)]
        if _runs(network, channels, sizes):
            return [_from(axis, step, more) for axis, step in zip(shape, steps, strict=True)]
    return list(shape)


def _step(axis: Any) -> int:
    """Voxels between two sizes of an axis, or its only size; 0 where neither is told by a number."""
    match = _MULTIPLE.fullmatch(str(axis))
    return int(match[1] or 1) if match else axis if isinstance(axis, int) else 0


def _from(axis: Any, step: int, more: int) -> Any:
    return f"{step}*(n+{more})" if isinstance(axis, str) and more else axis


def _runs(network: torch.nn.Module, channels: int, size: Sequence[int]) -> bool:
    try:
        with torch.inference_mode():
            network(torch.zeros(1, channels, *size))
    except (RuntimeError, ValueError, TypeError, IndexError):
        return False
    return True
