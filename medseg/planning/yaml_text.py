"""Write YAML for people: each value with its comment, numbers in a form that every YAML reads as numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

COMMENT_COLUMN = 32  # comments of a section begin here, or two spaces behind its longest value
_PLAIN = re.compile(r"[A-Za-z_][\w./-]*")
_WORDS = {"yes", "no", "on", "off", "true", "false", "null", "y", "n", "none"}


@dataclass(frozen=True)
class Row:
    """One line of a section.

    Attributes:
        key: Its name.
        value: A plain value.
        why: The comment.
    """

    key: str
    value: Any
    why: str = ""


def section(rows: Sequence[Row], *, indent: int = 2) -> list[str]:
    """Lines of a mapping, the comments in one column."""
    texts = [f"{' ' * indent}{row.key}: {written(row.value)}" for row in rows]
    column = max([COMMENT_COLUMN, *(len(text) + 2 for text in texts if len(text) < 2 * COMMENT_COLUMN)])
    return [
        f"{text:<{column}}# {_one_line(row.why)}" if row.why else text for text, row in zip(texts, rows, strict=True)
    ]


def written(value: Any) -> str:
    """A plain value as YAML on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(str(key))}: {written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(written(item) for item in value) + "]"
    return _text(value) if isinstance(value, str) else str(value)


def _one_line(text: str) -> str:
    """A comment without line breaks and signs that YAML refuses: names in it are as the data gives them."""
    return "".join(sign for sign in " ".join(text.split()) if sign.isprintable())


def _number(value: float) -> str:
    """A float with a point, since YAML 1.1 takes 1e-3 for text."""
    text = repr(value) if value == 0 or abs(value) >= 1e-2 else f"{value:.3e}"
    mantissa, _, exponent = text.partition("e")
    mantissa = mantissa.rstrip("0") if exponent else mantissa
    mantissa += "0" if mantissa.endswith(".") else ""
    sign = "-" if exponent.startswith("-") else "+"
    return f"{mantissa}e{sign}{exponent.lstrip('+-').lstrip('0')}" if exponent else mantissa


def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
