"""What configurations would make MONAI run: classes to build, expressions to evaluate, other files to copy from."""

from __future__ import annotations

import configparser
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from medseg.bundle.foreign_config import ForeignConfig, walk

TARGET, EXPRESSION, COPY = "target", "expression", "copy"
_SIGNS = {"$": EXPRESSION, "%": COPY}
_IN_TEXT = re.compile(
    r"""_target_['"]?[ \t]*:[ \t]*['"]?([^'",}\s][^'",}\n]*)"""
    r"""|"(\$(?:[^"\\]|\\.)*)|'(\$[^']*)|(?:^|(?<=[\s\[,:{-]))(\$.+)"""
)
_MOST_IN_TEXT = 2_000  # findings in a file that is no configuration; by then it has said what it is
_LOGGING_KEYS = ("class", "args", "kwargs")  # what logging.config.fileConfig evaluates


@dataclass(frozen=True)
class Runnable:
    """One thing that would run.

    Attributes:
        kind: ``TARGET``, ``EXPRESSION`` or ``COPY``.
        file: Configuration it stands in.
        path: Of its key, as "preprocessing.transforms.0._target_"; "line 12" where the file could not be read.
        text: What it says.
    """

    kind: str
    file: str
    path: str
    text: str


def runnables_of(config: ForeignConfig) -> list[Runnable]:
    """What a configuration would make MONAI run, in the order of the file; a text that is no configuration is searched.

    Args:
        config: As it was read.
    """
    found = [one for path, value in walk(config.value) for one in _of_value(config.name, path, value)]
    for key, replaced in config.again:
        named = walk(replaced, (f"{key} (replaced)",))
        found += [one for path, value in named for one in _of_value(config.name, path, value)]
    in_text = list(itertools.islice(_of_text(config), _MOST_IN_TEXT + 1))
    if len(in_text) > _MOST_IN_TEXT:
        in_text[-1] = Runnable(EXPRESSION, config.name, in_text[-1].path, "and more from here on, which is not listed")
    return found + in_text


def logging_runnables(text: str, name: str) -> list[Runnable]:
    """What ``logging.config`` would evaluate of a logging.conf, which MONAI hands to it before anything else.

    Args:
        text: Of the file.
        name: Of the file.
    """
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if "=" in line or ":" in line]
        return [Runnable(EXPRESSION, name, f"line {n}", line) for n, line in lines]
    return [
        Runnable(EXPRESSION, name, f"{section}.{key}", parser[section][key])
        for section in parser.sections()
        for key in _LOGGING_KEYS
        if key in parser[section]
    ]


def _of_value(file: str, path: tuple[str, ...], value: Any) -> Iterator[Runnable]:
    if isinstance(value, Mapping) and "_target_" in value:
        yield Runnable(TARGET, file, ".".join((*path, "_target_")), str(value["_target_"]))
    if isinstance(value, str) and value[:1] in _SIGNS:
        yield Runnable(_SIGNS[value[0]], file, ".".join(path), value)


def _of_text(config: ForeignConfig) -> Iterator[Runnable]:
    for n, line in enumerate(config.text.splitlines(), 1):
        for match in _IN_TEXT.finditer(line):
            target, *expressions = match.groups(default="")
            text = target or "".join(expressions)
            yield Runnable(TARGET if target else EXPRESSION, config.name, f"line {n}", text)
