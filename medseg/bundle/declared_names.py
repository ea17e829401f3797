"""How a metadata.json calls its bundle, the channels and the classes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


def name_of(root: Path, metadata: Mapping[str, Any]) -> str:
    """Name of a bundle: as its metadata says, else as its folder is called."""
    name = metadata.get("name")
    return name if isinstance(name, str) and _PLAIN_NAME.fullmatch(name) else root.name


def tensor_names(metadata: Mapping[str, Any], faults: list[str]) -> tuple[list[str], list[str]]:
    """Names of the input channels and of the output classes, in order.

    Args:
        metadata: Parsed metadata.json.
        faults: Gets one sentence for each thing that is wrong with them; the names are empty then.
    """
    if "version" not in metadata:
        faults.append("configs/metadata.json: version: missing")
    elif not str(metadata["version"]).isprintable():  # it is shown on terminals and becomes part of file names
        faults.append(f"configs/metadata.json: version: {metadata['version']!r} has signs that cannot be shown")
    aliases = metadata.get("channel_aliases", {})
    if not isinstance(aliases, dict) or not all(isinstance(names, list) for names in aliases.values()):
        faults.append(f'configs/metadata.json: channel_aliases: {aliases!r}; write {{"t1c": ["t1ce"]}}')
    names = []
    for side, tensor in (("inputs", "image"), ("outputs", "pred")):
        where = f"network_data_format.{side}.{tensor}.channel_def"
        found: Any = metadata
        for key in where.split("."):
            found = found.get(key) if isinstance(found, dict) else None
        if not isinstance(found, dict) or set(found) != {str(n) for n in range(len(found))} or not found:
            faults.append(f'configs/metadata.json: {where}: {found!r}; write {{"0": "first", "1": "second"}}')
            found = {}
        names.append([str(found[str(n)]) for n in range(len(found))])
    return names[0], names[1]
