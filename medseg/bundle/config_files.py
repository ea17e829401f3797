"""The configuration files of a bundle as plain values, every fault collected; nothing in them is understood yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medseg.bundle.find import METADATA
from medseg.bundle.json_file import read_json
from medseg.bundle.split_file import SPLIT
from medseg.bundle.stock_json import twin_faults
from medseg.core.errors import ConfigError
from medseg.recipe.yaml_file import read_yaml

_INFERENCE_NAMES = ("inference.yaml", "inference.yml", "inference.json")
Values = dict[str, Any]


@dataclass(frozen=True)
class ConfigFiles:
    """What the files in configs/ say; None for one that is absent or cannot be read.

    Attributes:
        metadata: Of metadata.json.
        inference: Of the inference config.
        inference_name: Name of that file.
        evaluate: Of evaluate.yaml.
        train: Of train.yaml.
        series: Of series.yaml.
        split: Of split.json.
    """

    metadata: Values | None
    inference: Values | None
    inference_name: str
    evaluate: Values | None
    train: Values | None
    series: Values | None
    split: Values | None


def read_config_files(root: Path, faults: list[str]) -> ConfigFiles:
    """Read them all.

    Args:
        root: Folder of the bundle.
        faults: Gets one sentence for each file that is missing and must not be, cannot be read, or contradicts another.
    """
    path = _inference_file(root)
    inference = _read(path, faults)
    if inference is not None and path.suffix != ".json":
        faults += _twin_faults(root, inference)
    return ConfigFiles(
        metadata=_read(root / METADATA, faults),
        inference=inference,
        inference_name=path.name,
        evaluate=_read(root / "configs" / "evaluate.yaml", faults, optional=True),
        train=_read(root / "configs" / "train.yaml", faults, optional=True),
        series=_read(root / "configs" / "series.yaml", faults, optional=True),
        split=_read(root / SPLIT, faults, optional=True),
    )


def _read(path: Path, faults: list[str], *, optional: bool = False) -> Values | None:
    if not path.is_file():
        if not optional:
            faults.append(f"configs/{path.name}: missing")
        return None
    try:
        return read_json(path) if path.suffix == ".json" else read_yaml(path)
    except ConfigError as error:
        faults.append(str(error))
        return None


def _inference_file(root: Path) -> Path:
    paths = [root / "configs" / name for name in _INFERENCE_NAMES]
    return next((path for path in paths if path.is_file()), paths[0])


def _twin_faults(root: Path, inference: Mapping[str, Any]) -> list[str]:
    try:
        return twin_faults(root, inference)
    except ConfigError as error:
        return [str(error)]
