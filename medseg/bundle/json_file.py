"""Read a JSON file that comes from elsewhere: one mapping, no key twice, or one line that says what is wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medseg.core.errors import ConfigError

MOST_BYTES = 16 * 2**20  # a split of 100 000 studies has 4 MB


def read_json(path: Path) -> dict[str, Any]:
    """Mapping at the top of a JSON file.

    Raises:
        ConfigError: It is absent, unreadable, not JSON, holds no mapping, has a key twice, or NaN.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ConfigError(f"{path}: has more than {MOST_BYTES} bytes, which is no configuration")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"{path}: cannot be read as JSON text ({reason})") from None
    return parse_json(text, str(path))


def parse_json(text: str, name: str) -> dict[str, Any]:
    """Mapping of a JSON text.

    Args:
        text: The JSON.
        name: What to call it in an error, usually its path.

    Raises:
        ConfigError: As ``read_json``.
    """
    try:
        value = json.loads(text, object_pairs_hook=_without_doubles, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{name}: line {error.lineno}: {error.msg}") from None
    except (ValueError, RecursionError) as error:  # among them numbers of more digits than Python takes
        raise ConfigError(f"{name}: cannot be read as JSON text ({error})") from None
    if not isinstance(value, dict):
        raise ConfigError(f"{name}: holds {type(value).__name__}, not keys and values")
    return value


def _no_number(text: str) -> float:
    """Python reads NaN and Infinity where JSON has no such thing, and others stop at it; no comparison catches NaN."""
    raise ValueError(f"{text} is no number of JSON")


def _without_doubles(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"key '{key}' is given twice; keep one")
        found[key] = value
    return found
