"""The input that a package declares for its network: the smallest size it names has to run, since MONAI tries that one.

"8*n" promises 8 voxels (``monai.bundle verify_net_in_out`` takes n = 1 unless told otherwise), but instance norm has
nothing to normalise where three halvings leave one voxel; what such a network keeps is "16*n".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch

_MULTIPLE = re.compile(r"\s*(?:([1-9]\d*)\s*\*\s*)?n\s*")  # "8*n", "n"
_DOUBLINGS = 5  # from 1 to 32 voxels, which is the most that networks halve to one; what fails then fails otherwise
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
    """The declared shape, or its first multiple whose smallest input runs.

    Args:
        network: In eval mode, on the CPU.
        channels: Of its input.
        shape: Per axis, as metadata.json has it; axes other than "8*n" stay.

    Returns:
        ``shape`` itself where an axis is neither a number nor such a text, all are numbers, or no multiple runs.
    """
    if not all(_least(axis) for axis in shape) or not any(isinstance(axis, str) for axis in shape):
        return list(shape)
    tried = [[_times(axis, 2**doubling) for axis in shape] for doubling in range(_DOUBLINGS + 1)]
    return next((one for one in tried if _runs(network, channels, [_least(axis) for axis in one])), list(shape))


def _least(axis: Any) -> int:
    """The smallest size of an axis; 0 where it is not told by a number."""
    match = _MULTIPLE.fullmatch(str(axis))
    return int(match[1] or 1) if match else axis if isinstance(axis, int) else 0


def _times(axis: Any, factor: int) -> Any:
    return f"{_least(axis) * factor}*n" if isinstance(axis, str) and factor > 1 else axis


def _runs(network: torch.nn.Module, channels: int, size: Sequence[int]) -> bool:
    try:
        with torch.inference_mode():
            network(torch.zeros(1, channels, *size))
    except (RuntimeError, ValueError, TypeError, IndexError):
        return False
    return True
