"""Check configs/metadata.json without a network: what MONAI's specification asks, and what readers rely on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from medseg.bundle.expected_input import expected_input_faults

MANDATORY = (
    "version",
    "monai_version",
    "pytorch_version",
    "numpy_version",
    "required_packages_version",
    "task",
    "description",
    "authors",
    "copyright",
    "network_data_format",
)
_TENSOR_KEYS = (
    "type",
    "format",
    "num_channels",
    "spatial_shape",
    "dtype",
    "value_range",
    "is_patch_data",
    "channel_def",
)
_FILE_NAME_SAFE = re.compile(r"\w[\w.+-]*")  # the version becomes part of <name>_v<version>.zip
_FREE = re.compile(r"\*|(?:(\d+)\*)?n|2\*\*p(?:\*(\d+|n))?")  # "*", "n", "16*n", "2**p", "2**p*n", "2**p*8"
_FROM = re.compile(r"([1-9]\d*)\*\(n\+(\d+)\)")  # "8*(n+1)": multiples of 8 from 16 on, n being 1 or more
_SMALLEST = 32  # voxels per free axis of a probe: large enough for five levels of halving, small enough to be quick


def metadata_faults(metadata: Mapping[str, Any]) -> list[str]:
    """What is wrong with a metadata.json.

    Args:
        metadata: The parsed file.

    Returns:
        One sentence per fault, each opening with the key; empty if it is right.
    """
    faults = [f"{key}: missing" for key in MANDATORY if key not in metadata]
    if "version" in metadata:
        faults += _version_faults(metadata)
    data_format = metadata.get("network_data_format", {})
    for side, name in (("inputs", "image"), ("outputs", "pred")):
        where = f"network_data_format.{side}"
        tensors = data_format.get(side) if isinstance(data_format, Mapping) else None
        if not isinstance(tensors, Mapping) or list(tensors) != [name]:
            given = ", ".join(map(str, tensors)) if isinstance(tensors, Mapping) else "nothing"
            faults.append(f"{where}: holds {given}; readers of bundles look for '{name}' alone")
            continue
        faults += [f"{where}.{name}.{fault}" for fault in _tensor_faults(tensors[name])]
    return faults + expected_input_faults(metadata)


def example_shapes(spatial_shape: Sequence[Any]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two spatial shapes that satisfy a declared one, unlike along every free axis.

    Args:
        spatial_shape: Per axis a whole number, "*", "n", "16*n", "16*(n+1)", "2**p" or "2**p*n".

    Raises:
        ValueError: An axis is none of these.
    """
    sizes = [_example_sizes(axis) for axis in spatial_shape]
    return tuple(small for small, _ in sizes), tuple(large for _, large in sizes)


def _example_sizes(axis: Any) -> tuple[int, int]:
    if isinstance(axis, int) and not isinstance(axis, bool) and axis > 0:
        return axis, axis
    text = str(axis).replace(" ", "")
    if match := _FROM.fullmatch(text):
        step, more = int(match[1]), int(match[2])
        small = step * max(-(-_SMALLEST // step), more + 1)
        return small, small + step
    match = _FREE.fullmatch(text)
    if match is None:
        raise ValueError(f"'{axis}' is none of a whole number, '*', 'n', '16*n', '16*(n+1)', '2**p', '2**p*n'")
    step = int(match[1] or (match[2] if (match[2] or "").isdigit() else 0) or 1)
    small = step * -(-_SMALLEST // step)
    if "2**p" in str(axis):
        small = step
        while small < _SMALLEST:
            small *= 2
        return small, small * 2
    return max(small, 2 * step), max(small, 2 * step) + max(step, 1)


def _version_faults(metadata: Mapping[str, Any]) -> list[str]:
    version, faults = metadata["version"], []
    if not isinstance(version, str) or not _FILE_NAME_SAFE.fullmatch(version):
        faults.append(f'version: {version!r} cannot be part of a file name; write text such as "0.1.0"')
    changelog = metadata.get("changelog")
    if changelog is not None and version not in changelog:
        faults.append(f"changelog: says nothing of version {version}; add a line for it")
    return faults


def _tensor_faults(tensor: Any) -> list[str]:
    if not isinstance(tensor, Mapping):
        return [f"is {tensor!r}; keys and values are wanted"]
    faults = [f"{key}: missing" for key in _TENSOR_KEYS if key not in tensor]
    channels, names = tensor.get("num_channels"), tensor.get("channel_def")
    if isinstance(names, Mapping) and isinstance(channels, int) and set(names) != {str(n) for n in range(channels)}:
        faults.append(
            f"channel_def: names {', '.join(names)}; num_channels is {channels}, so 0 to {channels - 1} are wanted"
        )
    shape = tensor.get("spatial_shape", [])
    if not isinstance(shape, list):
        return [*faults, f"spatial_shape: {shape!r} is not a list"]
    return faults + [f"spatial_shape: {fault}" for axis in shape if (fault := _axis_fault(axis))]


def _axis_fault(axis: Any) -> str | None:
    try:
        _example_sizes(axis)
    except ValueError as error:
        return str(error)
    return None
