"""configs/inference.json beside inference.yaml: `monai.bundle.load` and MONAI Label look for that name alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medseg.bundle.json_file import read_json
from medseg.core.errors import ConfigError
from medseg.core.files import write_text

JSON = Path("configs") / "inference.json"


def write_stock_json(root: Path, inference: Mapping[str, Any]) -> None:
    """Write what inference.yaml says as JSON.

    Args:
        root: Folder of the bundle.
        inference: Parsed inference.yaml.

    Raises:
        OutputError: It cannot be written.
    """
    try:
        text = json.dumps(inference, indent=2, ensure_ascii=False)
    except TypeError as error:  # YAML knows dates and sets
        raise ConfigError(f"configs/inference.yaml holds what JSON cannot: {error}. Write it as text.") from None
    write_text(root / JSON, text + "\n")


def twin_faults(root: Path, inference: Mapping[str, Any]) -> list[str]:
    """Where an inference.json says something else than the inference.yaml beside it: MONAI would run another model.

    Args:
        root: Folder of the bundle.
        inference: What was read of it.

    Raises:
        ConfigError: inference.json cannot be read.
    """
    if not (root / JSON).is_file():
        return []
    twin, own = read_json(root / JSON), {str(key): value for key, value in inference.items()}
    keys = [key for key in own | twin if key not in own or key not in twin or not _is_same(own[key], twin[key])]
    differs = ", ".join(keys)
    return [f"{JSON.as_posix()}: says something else of {differs} than inference.yaml; keep one"] if keys else []


def _is_same(yaml: Any, json_: Any) -> bool:
    """Whether JSON would say the same; as deep as the JSON goes, since a YAML anchor may hold itself."""
    if isinstance(json_, dict) and isinstance(yaml, Mapping):
        named = {str(key): value for key, value in yaml.items()}
        return named.keys() == json_.keys() and all(_is_same(named[key], json_[key]) for key in json_)
    if isinstance(json_, list) and isinstance(yaml, list):
        return len(yaml) == len(json_) and all(map(_is_same, yaml, json_))
    if isinstance(yaml, bool) or isinstance(json_, bool):
        return yaml is json_
    return bool(yaml == json_)
