"""A search space: which values of a recipe may be tried, read strictly from YAML."""

from __future__ import annotations

import itertools
import math
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medseg.core.errors import ConfigError, raise_faults
from medseg.recipe.layers import leaves, unknown_key
from medseg.recipe.values import fit
from medseg.recipe.yaml_file import read_yaml

MOST_POINTS = 1000  # of one key in steps; more is a slip of the pen, and a range needs no steps
_WORDS = ("values", "low", "high", "log", "step")
_ROUNDING = 1e-9  # relative to a step; 0.1 + 0.1 + 0.1 should still reach 0.3
# Trials are compared on the same validation patients, each after the same time.
FIXED = {
    "seed": "it decides who validates; give --seed",
    "split": "it decides who validates, and trials are compared on the same patients",
    "length": "every trial gets the same; give --budget or --epochs",
    "validation": "it decides how a trial is scored, and trials are scored alike",
}


@dataclass(frozen=True)
class Choices:
    """A few values.

    Attributes:
        values: Each once, in the order given.
        ordered: Whether they are steps of a range, so that neighbours are alike.
    """

    values: tuple[Any, ...]
    ordered: bool = False


@dataclass(frozen=True)
class Span:
    """Any number of a range.

    Attributes:
        low: Smallest, included.
        high: Largest, included.
        log: Whether each factor is as likely as another, rather than each difference.
        whole: Whether only whole numbers fit.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False


Dimension = Choices | Span
Values = Mapping[str, Any]  # dotted key to value


@dataclass(frozen=True)
class Space:
    """What a search may try.

    Attributes:
        dimensions: Dotted key to what it may be, in the order of the file.
    """

    dimensions: Mapping[str, Dimension]

    @property
    def spans(self) -> tuple[str, ...]:
        """Keys without a finite number of values."""
        return tuple(key for key, one in self.dimensions.items() if isinstance(one, Span))

    @property
    def size(self) -> int | None:
        """Number of points; None where a key may take any number of a range."""
        counts = [len(one.values) for one in self.dimensions.values() if isinstance(one, Choices)]
        return None if self.spans else math.prod(counts)

    def points(self) -> Iterator[Values]:
        """Every point, the last key changing fastest.

        Raises:
            ValueError: The space has spans.
        """
        if self.spans:
            raise ValueError(f"no end of points along {', '.join(self.spans)}")
        choices = [one.values for one in self.dimensions.values() if isinstance(one, Choices)]
        for values in itertools.product(*choices):
            yield dict(zip(self.dimensions, values, strict=True))

    def holds(self, values: Values) -> bool:
        """Whether these values, one a key, are a point of the space."""
        return all(_holds(one, values[key]) for key, one in self.dimensions.items())


def read_space(path: Path) -> Space:
    """The search space that a YAML file describes.

    Raises:
        ConfigError: The file is no YAML, or a key or value is unfit; all faults at once.
    """
    return parse_space(read_yaml(path), f"Search space '{path}'")


def parse_space(listed: Mapping[str, Any], title: str) -> Space:
    """The search space of a mapping from dotted keys to ``{values: […]}`` or ``{low: …, high: …}``.

    Args:
        listed: As YAML gave it.
        title: What is being read, for the error.

    Raises:
        ConfigError: Unknown keys, values outside the recipe's limits, and so on; all of them at once.
    """
    schema = leaves()
    dimensions: dict[str, Dimension] = {}
    faults: list[str] = [] if listed else ["holds no key; write for example optimizer.lr: {values: [1.0e-3, 3.0e-3]}"]
    for key, written in listed.items():
        found = _key_faults(key, written, schema) or _form_faults(written)
        if not found:
            one, found = _dimension(written, schema[key])
            if one is not None:
                dimensions[key] = one
        faults += [f"{key}: {fault}" for fault in found]
    raise_faults(title, faults, ConfigError)
    return Space(dimensions)


def _key_faults(key: Any, written: Any, schema: Mapping[str, Any]) -> list[str]:
    if not isinstance(key, str):
        return [f"is {type(key).__name__}, not the dotted key of a recipe"]
    section = key.partition(".")[0]
    if key not in schema:
        inner = [name for name in schema if name.startswith(f"{key}.")]
        if inner and isinstance(written, Mapping):
            return [f"is a section; write dotted keys, for example {inner[0]}"]
        return [unknown_key(key)]
    return [f"cannot be searched: {FIXED[section]}"] if section in FIXED else []


def _form_faults(written: Any) -> list[str]:
    if not isinstance(written, Mapping):
        return [f"{written!r} says no space; write {{values: […]}} or {{low: …, high: …}}"]
    faults = [f"unknown word '{word}'; known are {', '.join(_WORDS)}" for word in written if word not in _WORDS]
    if "values" in written:
        beside = [word for word in _WORDS[1:] if word in written]
        return faults + ([f"values beside {', '.join(beside)}; give a list or a range"] if beside else [])
    missing = [word for word in ("low", "high") if word not in written]
    return faults + (
        [f"{' and '.join(missing)} missing; a range has both, a list is {{values: […]}}"] if missing else []
    )


def _dimension(written: Mapping[str, Any], annotation: Any) -> tuple[Dimension | None, list[str]]:
    return _choices(written["values"], annotation) if "values" in written else _range(written, annotation)


def _choices(listed: Any, annotation: Any) -> tuple[Choices | None, list[str]]:
    if not isinstance(listed, list) or not listed:
        return None, [f"values {listed!r} is no list of one value or more"]
    fitted = [fit(value, annotation) for value in listed]
    faults = [f"values: {fault}" for _, fault in fitted if fault]
    values = [value for value, _ in fitted]
    if not faults:
        faults = [f"values: {value!r} stands twice" for n, value in enumerate(values) if value in values[:n]]
    return (None, faults) if faults else (Choices(tuple(values)), [])


def _range(written: Mapping[str, Any], annotation: Any) -> tuple[Dimension | None, list[str]]:
    wanted = _number_type(annotation)
    if wanted is None:
        return None, ["is no single number, so it has no range; write {values: […]}"]
    ends = {word: fit(written[word], annotation) for word in ("low", "high")}
    faults = [f"{word}: {fault}" for word, (_, fault) in ends.items() if fault]
    faults += [f"{word}: a range ends at a number" for word, (value, fault) in ends.items() if value is None]
    log = written.get("log", False)
    if not isinstance(log, bool):
        faults.append(f"log: {log!r} is not true or false")
    step, fault = fit(written["step"], wanted) if "step" in written else (None, None)
    if fault or (step is not None and step <= 0):
        faults.append(f"step: {fault or f'{step:g} is not above 0'}")
    if faults:
        return None, faults
    return _checked_range(ends["low"][0], ends["high"][0], log=log, step=step, whole=wanted is int)


def _checked_range(
    low: float, high: float, *, log: bool, step: float | None, whole: bool
) -> tuple[Dimension | None, list[str]]:
    faults = []
    if low >= high:
        faults.append(f"low {low:g} is not below high {high:g}")
    if log and low <= 0:
        faults.append(f"log: low {low:g} is not above 0")
    if log and step is not None:
        faults.append("log beside step; steps on a log scale are {values: […]}")
    if faults or step is None:
        return (None, faults) if faults else (Span(low, high, log, whole), [])
    count = int((high - low) / step + _ROUNDING) + 1
    if count > MOST_POINTS:
        return None, [f"step: {step:g} makes {count} points; {MOST_POINTS} are the most"]
    # 0.1 + 2 * 0.1 is 0.30000000000000004, which no one wrote.
    return Choices(tuple(type(low)(round(low + n * step, 12)) for n in range(count)), ordered=True), []


def _number_type(annotation: Any) -> type | None:
    """The type, int or float, of a place that takes one number; None of another."""
    wanted = typing.get_args(annotation)[0] if typing.get_origin(annotation) is typing.Annotated else annotation
    if typing.get_origin(wanted) is types.UnionType:
        wanted = next(part for part in typing.get_args(wanted) if part is not type(None))
    return wanted if wanted in (int, float) else None


def _holds(one: Dimension, value: Any) -> bool:
    if isinstance(one, Choices):
        return value in one.values
    return type(value) in (int, float) and one.low <= value <= one.high
