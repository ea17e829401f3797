"""Channels and classes of a foreign bundle, from a metadata.json that may say less than it should."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

_CLASS_KEYS = ("out_channels", "num_classes")  # as MONAI's networks call them
BACKGROUND = "background"


def foreign_names(metadata: Mapping[str, Any], network: Mapping[str, Any]) -> tuple[list[str], list[str], list[str]]:
    """Names of the input channels and of the output classes, and why they cannot be told.

    Args:
        metadata: Parsed metadata.json; what it leaves out of a channel_def is filled in where it cannot be mistaken.
        network: network_def, evaluated; its numbers of channels count, not those of metadata.json.

    Returns:
        Channels, classes with background first, and one sentence per fault.
    """
    channels, faults = _names(metadata, "inputs", "image", _number(network, ("in_channels",)))
    classes, more = _names(metadata, "outputs", "pred", _number(network, _CLASS_KEYS))
    if not more and len(classes) < 2:
        more = [
            f"network_def gives {len(classes)} class; labels are what stands out from a background, so 2 are needed"
        ]
    return (
        channels,
        classes,
        [*faults, *more, *_repeated("inputs.image", channels), *_repeated("outputs.pred", classes)],
    )


def _names(metadata: Mapping[str, Any], side: str, tensor: str, count: int | None) -> tuple[list[str], list[str]]:
    where, found = f"network_data_format.{side}.{tensor}.channel_def", _channel_def(metadata, side, tensor)
    total = len(found) if count is None else count
    places = [str(n) for n in range(total)]
    if not total or (count is None and set(found) != set(places)):
        return [], [_fault(where, found, "0, 1, 2 … without a gap, since network_def does not say how many")]
    if set(found) - set(places):
        return [], [_fault(where, found, f"0 to {total - 1}: network_def has {total}")]
    if side == "inputs" and len(found) != total and total > 1:
        return [], [_fault(where, found, f"all of 0 to {total - 1}: network_def has {total}, each a scan")]
    return [found.get(place) or _stand_in(side, tensor, int(place)) for place in places], []


def _channel_def(metadata: Mapping[str, Any], side: str, tensor: str) -> dict[str, str]:
    found: Any = metadata
    for key in ("network_data_format", side, tensor, "channel_def"):
        found = found.get(key) if isinstance(found, Mapping) else None
    return {str(key): str(name).strip() for key, name in found.items()} if isinstance(found, Mapping) else {}


def _number(network: Mapping[str, Any], keys: tuple[str, ...]) -> int | None:
    values = [network[key] for key in keys if key in network]
    return values[0] if values and type(values[0]) is int else None


def _stand_in(side: str, tensor: str, n: int) -> str:
    if side == "inputs":
        return tensor
    return f"class {n}" if n else BACKGROUND


def _fault(where: str, found: Mapping[str, str], wanted: str) -> str:
    names = ", ".join(f"{key} {name}" for key, name in found.items()) or "nothing"
    return f"configs/metadata.json: {where} names {names}; wanted are {wanted}"


def _repeated(where: str, names: list[str]) -> list[str]:
    twice = [name for name, count in Counter(names).items() if count > 1]
    return [
        f"configs/metadata.json: network_data_format.{where}.channel_def: '{name}' is named twice" for name in twice
    ]
