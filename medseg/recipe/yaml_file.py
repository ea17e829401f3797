"""Read YAML strictly: no duplicate keys, and numbers that YAML 1.1 takes for text are named."""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from medseg.core.errors import ConfigError

# YAML 1.1 wants a dot and a signed exponent: 1e-3 and 1.0e3 are text to it.
NUMBER_AS_TEXT = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+")
MOST_BYTES = 2 * 2**20  # of a file; a configuration has a few thousand, and PyYAML reads 0.2 MB a second
MOST_VALUES = 1_000_000  # the largest recipe has a hundred


class _StrictLoader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = str(key_node.value)
            if key in seen:
                raise ConfigError(f"line {key_node.start_mark.line + 1}: key '{key}' is given twice; keep one")
            seen.add(key)
        return super().construct_mapping(node, deep)

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        if len(node.value) > MOST_VALUES:  # keys merged from what was merged: as many times more at every step
            raise ConfigError(f"more than {MOST_VALUES} values: one holds itself or repeats others without end")


def parse_yaml(text: str, name: str) -> Any:
    """Plain values of a YAML text.

    Args:
        text: The YAML.
        name: What to call it in an error, usually its path.

    Raises:
        ConfigError: Not YAML, or a key stands twice; names the line.
    """
    try:
        value = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader underneath
        _check_size(value)
        return value
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from None
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f"line {error.problem_mark.line + 1}: "
        raise ConfigError(f"{name}: {line}{error.problem or 'not YAML'}") from None
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as error:  # ValueError: the 99th of a month
        raise ConfigError(f"{name}: not YAML ({' '.join(str(error).split())[:200]})") from None


def _check_size(value: Any) -> None:
    """Refuse what is small as text and endless as values: anchors that hold themselves or repeat each other."""
    left, waiting = MOST_VALUES, [value]
    while waiting:
        one = waiting.pop()
        left -= 1
        if left < 0:
            raise ConfigError(f"more than {MOST_VALUES} values: one holds itself or repeats others without end")
        waiting += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()


def read_yaml(path: Path) -> dict[str, Any]:
    """Mapping at the top of a YAML file.

    Raises:
        ConfigError: The file is absent, unreadable, not UTF-8, not YAML, or holds no mapping.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ConfigError(f"'{path}' has more than {MOST_BYTES // 2**20} MiB, which is no configuration.")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"Cannot read '{path}': {reason}") from None
    value = parse_yaml(text, str(path))
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: holds {type(value).__name__}, not keys and values")
    return value


def parse_scalar(text: str) -> Any:
    """Value typed on the command line, by YAML 1.2's rules for numbers and words.

    ``1e-3`` is a number, ``no`` stays text, ``null`` is None, ``[1, 2]`` is a list.
    """
    if NUMBER_AS_TEXT.fullmatch(text):
        return float(text)
    if text.lower() in {"yes", "no", "on", "off"}:
        return text
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text
