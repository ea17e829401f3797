"""Read a configuration of unknown origin: JSON or YAML, within limits, whatever is in it.

Bundles of others are written by many hands, and some by hands that mean harm: anchors that unfold without end, values
that hold themselves, nesting that ends an interpreter, numbers of a million digits, a key twice so that one reader sees
the first and another the last. Each is told as a fault, and as much as possible is read all the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

MOST_JSON = 4 * 2**20  # bytes of a file; a tenth of a second
MOST_YAML = 256 * 2**10  # bytes of a file; a second, since the quick reader of YAML crashes on deep nesting
MOST_VALUES = 200_000  # of a file, unfolded; a large configuration has 2,000
MOST_DEPTH = 64  # levels; a large configuration has 10
MOST_DIGITS = 400  # of a number; what is longer stays text
_MERGE = "tag:yaml.org,2002:merge"
_TEXT = "tag:yaml.org,2002:str"
_PLAIN_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp")}


@dataclass(frozen=True)
class ForeignConfig:
    """What a configuration says.

    Attributes:
        name: Of the file, in its bundle.
        value: Plain values; None where it could not be read.
        again: Values whose key stands twice, with that key: those that the last one replaced.
        faults: What is wrong with it, one sentence each.
        text: What it says where it could not be read, to be searched; "" where it could.
        values: How many there are, unfolded.
    """

    name: str
    value: Any = None
    again: tuple[tuple[str, Any], ...] = ()
    faults: tuple[str, ...] = ()
    text: str = ""
    values: int = 0


class _TooMuchError(Exception):
    """A limit was reached; the message says which."""


def config_of(data: bytes, name: str, *, most_values: int = MOST_VALUES) -> ForeignConfig:
    """Plain values of a configuration.

    Args:
        data: The file, or the beginning of one that is too large.
        name: Of the file; ``.json`` is read as JSON, anything else as YAML.
        most_values: How many to unfold at most.

    Returns:
        Always something: what cannot be read has its reason in ``faults`` and stays text.
    """
    is_json = name.lower().endswith(".json")
    text, faults = data.decode("utf-8", "replace"), list[str]()
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        faults.append("is not UTF-8 text")
    try:
        _check_size(data, MOST_JSON if is_json else MOST_YAML)
        reading = _Reading(most_values)
        value = reading.of_json(text) if is_json else reading.of_yaml(text)
        count = sum(1 for _ in walk(value, most=most_values))
    except _TooMuchError as error:
        return ForeignConfig(name, faults=(*faults, str(error)), text=text, values=most_values)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        return ForeignConfig(name, faults=(*faults, _reason(error)), text=text)
    faults += [f"key '{key}' is given twice; the last one counts" for key, _ in reading.again]
    return ForeignConfig(name, value, tuple(reading.again), (*faults, *reading.faults), values=count)


def walk(value: Any, path: tuple[str, ...] = (), *, most: int = MOST_VALUES) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value below a value with its path, itself first, in the order of the file.

    Raises:
        _TooMuchError: There are more than ``most``, or they are nested deeper than ``MOST_DEPTH``.
    """
    left = [(path, value)]
    for count in range(most):
        if not left:
            return
        at, one = left.pop()
        yield at, one
        items = items_of(one)
        if items and len(at) - len(path) >= MOST_DEPTH:
            raise _TooMuchError(f"is nested deeper than {MOST_DEPTH} levels")
        if count + len(left) + len(items) > most:
            break
        left += [((*at, key), item) for key, item in reversed(items)]
    raise _TooMuchError(f"unfolds to more than {most} values")


def items_of(value: Any) -> list[tuple[str, Any]]:
    """What a mapping or list holds, with its keys or positions as text; nothing for any other value."""
    if isinstance(value, dict):
        return [(str(key), item) for key, item in value.items()]
    return [(str(n), item) for n, item in enumerate(value)] if isinstance(value, list) else []


class _Reading:
    """One reading of one file: what is left of its limit, and what was found beside its values."""

    def __init__(self, most_values: int) -> None:
        self.left = most_values
        self.most = most_values
        self.again: list[tuple[str, Any]] = []
        self.faults: list[str] = []
        self.scalars = yaml.constructor.SafeConstructor()

    def of_json(self, text: str) -> Any:
        """Values of a JSON text."""
        return json.loads(text, object_pairs_hook=self._mapping, parse_int=self._whole, parse_constant=str)

    def of_yaml(self, text: str) -> Any:
        """Values of a YAML text; anchors are unfolded one by one, so that a limit can be kept."""
        _check_brackets(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        return None if node is None else self._of_node(node, 0)

    def _mapping(self, pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            seen: dict[Any, Any] = {}
            for key, value in pairs:
                if key in seen:
                    self.again.append((str(key), seen[key]))
                seen[key] = value
        return found

    def _whole(self, digits: str) -> int | str:
        if len(digits) <= MOST_DIGITS:
            return int(digits)
        self.faults.append(f"holds a number of {len(digits)} digits")
        return digits

    def _of_node(self, node: yaml.Node, depth: int) -> Any:
        self.left -= 1
        if self.left < 0:
            raise _TooMuchError(f"unfolds to more than {self.most} values")
        if depth > MOST_DEPTH:
            raise _TooMuchError(f"is nested deeper than {MOST_DEPTH} levels, or a value in it holds itself")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if node.tag not in ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
            self.faults.append(f"line {node.start_mark.line + 1}: asks for {node.tag}, which plain YAML does not have")
        if isinstance(node, yaml.SequenceNode):
            return [self._of_node(item, depth + 1) for item in node.value]
        return self._of_mapping(node, depth)

    def _of_mapping(self, node: yaml.Node, depth: int) -> dict[Any, Any]:
        merged: dict[Any, Any] = {}
        pairs: list[tuple[Any, Any]] = []
        for key, item in node.value:
            value = self._of_node(item, depth + 1)
            if key.tag == _MERGE:
                for one in reversed(value if isinstance(value, list) else [value]):
                    merged |= one if isinstance(one, dict) else {}
            else:
                named = self._of_node(key, depth + 1)
                pairs.append((named if isinstance(named, Hashable) else str(named)[:MOST_DIGITS], value))
        return merged | self._mapping(pairs)

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        if node.tag not in _PLAIN_TAGS:
            self.faults.append(f"line {node.start_mark.line + 1}: asks for {node.tag}, which plain YAML does not have")
        if node.tag == _TEXT or node.tag not in _PLAIN_TAGS:
            return node.value
        if len(node.value) > MOST_DIGITS:
            self.faults.append(f"line {node.start_mark.line + 1}: holds a number of {len(node.value)} digits")
            return node.value
        try:
            return self.scalars.construct_object(node)
        except (ValueError, KeyError, yaml.YAMLError):  # a date that no calendar has, "!!int abc"
            self.faults.append(f"line {node.start_mark.line + 1}: '{node.value}' is no value of its kind")
            return node.value


def _check_size(data: bytes, most: int) -> None:
    if len(data) > most:
        raise _TooMuchError(f"has more than {most // 2**10} KiB, which is no configuration")


def _check_brackets(text: str) -> None:
    """YAML's reader needs a time that grows with the square of how deep brackets are nested."""
    depth = 0
    for match in re.finditer(r"[\[{]|[\]}]", text):
        depth += 1 if match[0] in "[{" else -1
        if depth > MOST_DEPTH:
            raise _TooMuchError(f"is nested deeper than {MOST_DEPTH} levels")


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return f"is nested deeper than {MOST_DEPTH} levels"
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}: {error.msg}"
    if isinstance(error, yaml.MarkedYAMLError):
        line = "" if error.problem_mark is None else f"line {error.problem_mark.line + 1}: "
        return f"{line}{error.problem or 'is no YAML'}"
    return f"cannot be read: {' '.join(str(error).split())[:200]}"
