"""config.yaml: the recipe a run used, each value with the place it came from."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from medseg.core.files import write_text
from medseg.recipe.layers import Resolved

_HEADER = ("The recipe of this run; behind each value, where it came from.",)
_INDENT = "  "
_COMMENT_COLUMN = 40  # origins stand in one column unless a value is longer


def write_config(path: Path, resolved: Resolved) -> None:
    """Write the recipe as YAML that can be given to --config again.

    Raises:
        OutputError: The file cannot be written.
    """
    write_text(path, format_config(resolved.values, resolved.origins))


def format_config(values: Mapping[str, Any], origins: Mapping[str, str], *, header: Sequence[str] = _HEADER) -> str:
    """The text of config.yaml, which is also what --print-config shows.

    Args:
        values: Dotted key to plain value.
        origins: Dotted key to origin.
        header: Lines above the values, as comments.
    """
    return "\n".join([*(f"# {_one_line(line)}".rstrip() for line in header), *_lines(values, origins, "", 0)]) + "\n"


def _lines(values: Mapping[str, Any], origins: Mapping[str, str], prefix: str, depth: int) -> list[str]:
    lines = []
    # Each name once, in the order in which it first comes.
    for name in dict.fromkeys(key.removeprefix(prefix).partition(".")[0] for key in values):
        key = prefix + name
        if key in values:
            line = f"{_INDENT * depth}{name}: {format_value(values[key])}"
            lines.append(f"{line:<{_COMMENT_COLUMN}}  # {_one_line(origins[key])}")
        else:
            below = {longer: value for longer, value in values.items() if longer.startswith(key + ".")}
            lines += [f"{_INDENT * depth}{name}:", *_lines(below, origins, key + ".", depth + 1)]
    return lines


def format_value(value: Any) -> str:
    """A value in one line of YAML 1.1, so that every reader takes it for what it is."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _format_float(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(format_value(item) for item in value) + "]"
    return _format_word(value) if isinstance(value, str) else str(value)


def _format_float(value: float) -> str:
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else "-.inf" if value < 0 else ".inf"
    mantissa, mark, exponent = repr(value).partition("e")
    if not mark:
        return mantissa
    # YAML 1.1 takes 1e-05 for a word: it wants a dot and a sign.
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{exponent if exponent[0] in '+-' else '+' + exponent}"


def _format_word(value: str) -> str:
    # isidentifier: plain words only; the rest, and words such as "no" that mean something else, in quotes.
    return value if value.isidentifier() and yaml.safe_load(value) == value else json.dumps(value)


def _one_line(text: str) -> str:
    return " ".join("".join(ch if ch.isprintable() else "?" for ch in text).split())
