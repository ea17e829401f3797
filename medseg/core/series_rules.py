"""How a bundle recognises its channels among the series of a study: conditions on header attributes, as values."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Value = str | int | float

# What is known of a series beside the attributes in its headers; from positions, never from SliceThickness.
DERIVED = ("SlicePlane", "Slices", "SliceSpacingMm")
TIE_BREAKS = ("most_slices", "thinnest", "latest")
_SEARCHED = 256  # characters; a longer text is no name of a protocol, and a slow pattern stays quick
_SHOWN = 32  # characters of a pattern in a sentence


@dataclass(frozen=True)
class Condition:
    """One thing that must be so of a series.

    Attributes:
        keyword: DICOM keyword, or one of ``DERIVED``.
        test: A row of ``TESTS``.
        operand: What the test compares with: values, (low, high) with None for open, or one pattern; empty for
            ``present`` and ``absent``.
    """

    keyword: str
    test: str
    operand: tuple[Any, ...] = ()

    @property
    def excludes(self) -> bool:
        """Whether it keeps out, and so is met by a series that says nothing."""
        return self.test in ("absent", "not_in", "outside", "lacks")

    def holds(self, values: Sequence[Value]) -> bool:
        """Whether it is so, of an attribute's values; no value means that the attribute is absent or empty."""
        return TESTS[self.test](values, self.operand)

    def met(self, values: Sequence[Value]) -> str:
        """What was found, in words, where the condition holds."""
        found = f"{self.keyword} {_found(values)}"
        if self.test == "range":
            return f"{found} {_range(self.operand)}"
        if self.test == "matches":
            part = _matching(values, self.operand[0])
            return f"{found} has '{part}'" if len(part) > 2 else f"{found} matches"
        if self.test == "in" and len(values) > 1:
            return f"{found} has {', '.join(str(one) for one in values if _is_in(one, self.operand))}"
        if self.test in ("outside", "not_in", "lacks") and values:
            return f"{found} not excluded"
        return found if values and self.test != "present" else f"{self.keyword} {'present' if values else 'absent'}"

    def failed(self, values: Sequence[Value]) -> str:
        """What was found and what is wanted, in words, where the condition does not hold."""
        if self.test in ("present", "absent"):
            return f"{self.keyword} {'present' if values else 'absent'}"
        if self.test == "matches" and not values:
            return f"{self.keyword} absent"
        return f"{self.keyword} {_found(values)}, {self._demand(values)}"

    def _demand(self, values: Sequence[Value]) -> str:
        if self.test == "range":
            return f"wanted {_range(self.operand)}"
        if self.test == "outside":
            return f"excluded {_range(self.operand)}"
        if self.test == "matches":
            return f"wanted a match of '{_clipped(self.operand[0])}'"
        if self.test == "lacks":
            return f"excluded '{_matching(values, self.operand[0])}'"
        if self.test == "not_in":
            return f"excluded {', '.join(str(one) for one in values if _is_in(one, self.operand))}"
        return f"wanted {' or '.join(str(one) for one in self.operand)}"


Alternative = tuple[Condition, ...]


@dataclass(frozen=True)
class SeriesRules:
    """What a bundle's series.yaml says.

    Attributes:
        reference: Channel whose slices the result lies on.
        channels: Channel to its alternatives, tried in order; all conditions of an alternative must hold. What
            holds for every channel stands first in each.
        tie_breaks: Rows of ``TIE_BREAKS``, applied in order while several series are left.
    """

    reference: str
    channels: Mapping[str, tuple[Alternative, ...]]
    tie_breaks: tuple[str, ...] = ()

    @property
    def keywords(self) -> tuple[str, ...]:
        """Every keyword that a condition names, each once."""
        return tuple(dict.fromkeys(one.keyword for rows in self.channels.values() for row in rows for one in row))


def _is_in(value: Value, wanted: Sequence[Value]) -> bool:
    return any(_same(value, one) for one in wanted)


def _same(value: Value, wanted: Value) -> bool:
    if isinstance(value, str) or isinstance(wanted, str):
        return str(value).strip().casefold() == str(wanted).strip().casefold()
    return math.isclose(value, wanted, rel_tol=1e-6)  # decimal strings lose digits on their way


def _within(value: Value, limits: Sequence[float | None]) -> bool:
    low, high = limits
    if isinstance(value, str):
        return False
    return (low is None or value >= low) and (high is None or value <= high)


def _search(value: Value, pattern: str) -> re.Match[str] | None:
    return re.search(pattern, str(value)[:_SEARCHED], re.IGNORECASE)


# Of several values, as ScanningSequence SE\IR: one is enough for "in" and "matches", all must lie in a "range".
TESTS: Mapping[str, Callable[[Sequence[Value], tuple[Any, ...]], bool]] = {
    "present": lambda values, _: bool(values),
    "absent": lambda values, _: not values,
    "in": lambda values, wanted: any(_is_in(one, wanted) for one in values),
    "not_in": lambda values, wanted: not any(_is_in(one, wanted) for one in values),
    "range": lambda values, limits: bool(values) and all(_within(one, limits) for one in values),
    "outside": lambda values, limits: not any(_within(one, limits) for one in values),
    "matches": lambda values, pattern: any(_search(one, pattern[0]) for one in values),
    "lacks": lambda values, pattern: not any(_search(one, pattern[0]) for one in values),
}


def _found(values: Sequence[Value]) -> str:
    """Values as a sentence shows them, few and short."""
    shown = [_shown(one) for one in values[:6]]
    return ("\\".join(shown) + ("\\…" if len(values) > 6 else "")) or "absent"


def _shown(value: Value) -> str:
    """A number, a DICOM code string as it is, and free text between quotes; whole, or identity would hide in a part."""
    if isinstance(value, str):
        return value if value.isupper() and " " not in value else f"'{value}'"
    return f"{value:g}"


def _clipped(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _range(limits: Sequence[float | None]) -> str:
    low, high = limits
    if low is None:
        return f"≤ {high:g}"
    return f"≥ {low:g}" if high is None else f"in {low:g} to {high:g}"


def _matching(values: Sequence[Value], pattern: str) -> str:
    return next((match[0] or str(one) for one in values if (match := _search(one, pattern))), "")
