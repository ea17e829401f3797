"""Parts of a JSON dataset description that the Decathlon, nnU-Net and MONAI share."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from medseg.core.errors import DatalistError

FILE_NAME = "dataset.json"
_ANY_VALUE = re.compile(r"\s*[a-z]?\s*>\s*0\s*", re.IGNORECASE)  # "n>0", "> 0"


def read_description(path: Path) -> dict[str, Any]:
    """The mapping in a JSON file.

    Raises:
        DatalistError: Unreadable, not JSON, or no mapping; names the line.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DatalistError(f"'{path}': cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise DatalistError(f"'{path}': not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise DatalistError(f"'{path}': not JSON; line {error.lineno}: {error.msg}") from None
    if not isinstance(value, dict):
        raise DatalistError(
            f"'{path}': holds a {type(value).__name__}; a mapping with keys such as 'training' is wanted"
        )
    return value


def description_in(folder: Path) -> dict[str, Any] | None:
    """The mapping in the ``dataset.json`` of a folder; None where there is no such file."""
    path = folder / FILE_NAME
    return read_description(path) if path.is_file() else None


def channel_names_of(description: Mapping[str, Any]) -> tuple[str, ...]:
    """Channel names in the order of their numbers; empty where none are given.

    Reads ``channel_names`` (nnU-Net v2) or ``modality`` (Decathlon, nnU-Net v1).

    Raises:
        DatalistError: The keys are not 0, 1, 2 …
    """
    named = description.get("channel_names", description.get("modality"))
    if named is None:
        return ()
    if isinstance(named, str):
        return (named,)
    if isinstance(named, Sequence):
        return tuple(str(name) for name in named)
    if not isinstance(named, Mapping) or {str(key) for key in named} != {str(n) for n in range(len(named))}:
        raise DatalistError(f'channels are {named!r}; number them from 0, as in {{"0": "T1", "1": "T2"}}')
    return tuple(str(named[key]) for key in sorted(named, key=int))


def label_names_of(description: Mapping[str, Any]) -> dict[int, str] | None:
    """Label value to name, background left out; None where the description names no labels.

    Reads both directions, ``{"1": "tumour"}`` and ``{"tumour": 1}``. Where values number objects (``instances_of``)
    the one label has the value 1.

    Raises:
        DatalistError: A value is not a whole number from 0 to 255, is given twice, or is a list
            (a region that joins several values); or values number objects and there is not one label.
    """
    labels = description.get("labels")
    if not isinstance(labels, Mapping):
        return None
    if instances_of(description):
        return {1: _instance_name(labels)}
    names: dict[int, str] = {}
    for key, entry in labels.items():
        value, name = (key, entry) if isinstance(entry, str) and not entry.isdecimal() else (entry, key)
        number = _label_value(value, str(name))
        if number in names:
            raise DatalistError(f"label value {number} is given to both '{names[number]}' and '{name}'; keep one")
        names[number] = str(name)
    return {value: name for value, name in sorted(names.items()) if value != 0}


def instances_of(description: Mapping[str, Any]) -> bool:
    """Whether values of label maps number objects of one label: 1, 2, 3 … are all that label.

    A description says so by ``"instances": true``, or by a label value written as "n>0".

    Raises:
        DatalistError: "instances" is neither true nor false.
    """
    said = description.get("instances", False)
    if not isinstance(said, bool):
        raise DatalistError(f"'instances' is {said!r}; write true where label values number objects, or leave it out")
    labels = description.get("labels")
    return said or (isinstance(labels, Mapping) and any(_means_any(one) for pair in labels.items() for one in pair))


def _means_any(value: Any) -> bool:
    return _ANY_VALUE.fullmatch(str(value)) is not None


def _instance_name(labels: Mapping[str, Any]) -> str:
    names = [
        str(entry if str(key).isdecimal() or _means_any(key) else key)
        for key, entry in labels.items()
        if "0" not in (str(key), str(entry))
    ]
    if len(names) != 1:
        raise DatalistError(
            f"label values number objects, and labels are {', '.join(names) or 'none'}; name exactly one beside the "
            "background"
        )
    return names[0]


def _label_value(value: Any, name: str) -> int:
    if isinstance(value, list):
        raise DatalistError(
            f"label '{name}' joins the values {value}; medseg trains labels that exclude each other and unites them "
            "in the bundle's regions. Give each label its own value"
        )
    if not str(value).isdecimal() or not 0 <= int(value) <= 255:
        raise DatalistError(f"label '{name}' has the value {value!r}; a whole number from 0 to 255 is wanted")
    return int(value)
