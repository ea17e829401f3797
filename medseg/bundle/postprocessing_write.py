"""Put steps at the end of the postprocessing in a bundle's inference.yaml; every other line stays as it is."""

from __future__ import annotations

import copy
import importlib.metadata
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from medseg.bundle.contract import contract_faults
from medseg.bundle.postprocessing import Cleaning
from medseg.bundle.safety import safety_faults
from medseg.bundle.stock_json import JSON, write_stock_json
from medseg.core.errors import BundleError, raise_faults
from medseg.core.files import write_json, write_text
from medseg.recipe.yaml_file import parse_yaml, read_yaml

_PART = "postprocessing"
_FILE = Path("configs", "inference.yaml")


def write_cleanings(root: Path, cleanings: Sequence[tuple[Cleaning, str]]) -> None:
    """Add steps between the last transform and SaveImaged, where ``pred`` holds written label values.

    Args:
        root: Folder of a bundle.
        cleanings: Steps in the order in which they work, each with the comment that goes above it. One that stands
            there already, with the same values, is not written again; without any nothing changes.

    Raises:
        BundleError: The file is not YAML in block style, or would not say what it should; nothing was written.
        ConfigError: The file cannot be read.
        OutputError: The file cannot be written.
    """
    text = edited(root, cleanings)
    if text is None:
        return
    write_text(root / _FILE, text)
    if (root / JSON).is_file():  # of a package that the training began with: both must say the same
        write_stock_json(root, parse_yaml(text, str(root / _FILE)))
    _require_packages(root, {package for one, _ in cleanings for package in one.packages})


def edited(root: Path, cleanings: Sequence[tuple[Cleaning, str]]) -> str | None:
    """The text that ``write_cleanings`` would write; None where nothing changes. Raises what it raises."""
    path = root / _FILE
    if not path.is_file():
        raise BundleError(f"'{root}' has no configs/inference.yaml to write postprocessing to.")
    present = read_yaml(path)
    cleanings = [pair for pair in cleanings if pair[0].config not in present[_PART]["transforms"]]
    if not cleanings:
        return None
    intended = _with_steps(present, [dict(one.config) for one, _ in cleanings])
    text = with_cleanings(path.read_text(encoding="utf-8"), cleanings, name=str(path))
    parsed = parse_yaml(text, str(path))
    raise_faults(f"Postprocessing of '{path}'", [*contract_faults(parsed), *safety_faults(parsed)], BundleError)
    if parsed != intended:
        raise BundleError(f"'{path}': its postprocessing cannot be edited without changing the rest; add it by hand.")
    return text


def with_cleanings(text: str, cleanings: Sequence[tuple[Cleaning, str]], *, name: str) -> str:
    """The text of an inference.yaml with steps before its SaveImaged, and before the comment lines above that.

    Args:
        text: Of the file.
        cleanings: As in ``write_cleanings``.
        name: What to call the file in an error.

    Raises:
        BundleError: There is no list of transforms in block style.
    """
    lines = text.split("\n")
    row, indent = _last_transform(text, name)
    while row and lines[row - 1].strip().startswith("#"):
        row -= 1
    added = [line for one, comment in cleanings for line in _lines(one.config, comment, indent)]
    return "\n".join([*lines[:row], *added, *lines[row:]])


def _last_transform(text: str, name: str) -> tuple[int, int]:
    """Line of the last transform of the postprocessing, and the column of its dash."""
    transforms = _value(_value(yaml.compose(text, Loader=yaml.SafeLoader), _PART), "transforms")
    if not isinstance(transforms, yaml.SequenceNode) or transforms.flow_style or not transforms.value:
        raise BundleError(f"'{name}': {_PART}.transforms is no list with one '- ' per transform; write it so.")
    return transforms.value[-1].start_mark.line, transforms.start_mark.column


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for own, value in pairs if own.value == key), None)


def _lines(config: Mapping[str, Any], comment: str, indent: int) -> list[str]:
    space = " " * indent
    first, *others = (f"{key}: {_written(value)}" for key, value in config.items())
    return [f"{space}# {comment}", f"{space}- {first}", *(f"{space}  {line}" for line in others)]


def _written(value: Any) -> str:
    """In one line of YAML; a dotted name stands without quotes, as elsewhere in the file."""
    return value if isinstance(value, str) and value.replace(".", "").isalnum() else _listed(value)


def _listed(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_written(item) for item in value) + "]"
    return json.dumps(value)


def _with_steps(inference: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    changed = copy.deepcopy(dict(inference))
    transforms = changed[_PART]["transforms"]
    transforms[-1:-1] = steps
    return changed


def _require_packages(root: Path, packages: set[str]) -> None:
    """Name in metadata.json what stock MONAI needs for the new steps, with the version they were tried with."""
    path = root / "configs" / "metadata.json"
    try:
        metadata = json.loads(path.read_text(encoding="utf-8"))
        known = metadata.setdefault("required_packages_version", {})
        missing = {name: importlib.metadata.version(name) for name in sorted(packages - known.keys())}
    except (OSError, ValueError, AttributeError) as error:
        raise BundleError(f"'{path}' cannot be read: {error}.") from None
    if missing:
        known.update(missing)
        write_json(path, metadata)
