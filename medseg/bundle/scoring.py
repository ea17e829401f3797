"""configs/evaluate.yaml: the labels a model tells apart, and how they are scored and accepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medseg.core.labels import Label, LabelSet

_KEYS = ("labels", "regions", "tolerance_mm", "thresholds")
_LABEL_KEYS = {"value", "aliases", "instances"}
_LARGEST_VALUE = 255  # label maps are uint8


@dataclass(frozen=True)
class Scoring:
    """What evaluate.yaml says.

    Attributes:
        labels: Labels in the order of the network's classes, and regions.
        tolerance_mm: Label or region to the distance within which a surface counts as right.
        thresholds: Metric to label or region to the value that a mean must reach; may be empty.
    """

    labels: LabelSet
    tolerance_mm: Mapping[str, float] = field(default_factory=dict)
    thresholds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def scoring_of(values: Mapping[str, Any]) -> tuple[Scoring, list[str]]:
    """What an evaluate.yaml says, and its faults.

    Args:
        values: The parsed file.

    Returns:
        The scoring, usable only where there is no fault, and one sentence per fault, each opening with the key.
    """
    faults = [f"{key}: unknown key; known are {', '.join(_KEYS)}" for key in values if key not in _KEYS]
    faults += [f"{key}: missing; write {{}} for none" for key in _KEYS if key not in values]
    parts = {key: values.get(key) for key in _KEYS}
    faults += [
        f"{key}: {part!r} is not keys and values" for key, part in parts.items() if not _is_map(part, key, values)
    ]
    if faults:
        return Scoring(LabelSet(())), faults
    labels = LabelSet(
        tuple(_label(name, spec) for name, spec in values["labels"].items()),
        {region: tuple(names) for region, names in values["regions"].items() if isinstance(names, list)},
    )
    faults = [*_label_faults(values), *_region_faults(values, labels), *_score_faults(values, labels)]
    return Scoring(labels, values["tolerance_mm"], values["thresholds"]), faults


def scoring_of_classes(names: Sequence[str]) -> Scoring:
    """Scoring of a bundle without evaluate.yaml: each class after the first is a label with its index as value."""
    return Scoring(LabelSet(tuple(Label(name, n) for n, name in enumerate(names) if n > 0)))


def _is_map(part: Any, key: str, values: Mapping[str, Any]) -> bool:
    return key not in values or isinstance(part, Mapping)


def _label(name: str, spec: Any) -> Label:
    spec = spec if isinstance(spec, Mapping) else {}
    instances = spec.get("instances") is True
    return Label(str(name), spec.get("value", 0), tuple(map(str, spec.get("aliases") or ())), instances)


def _label_faults(values: Mapping[str, Any]) -> list[str]:
    faults, seen = [], dict[int, str]()
    for name, spec in values["labels"].items():
        if not isinstance(spec, Mapping) or set(spec) - _LABEL_KEYS or "value" not in spec:
            faults.append(f"labels.{name}: {spec!r}; write {{value: 1, aliases: []}}")
            continue
        value = spec["value"]
        if type(value) is not int or not 1 <= value <= _LARGEST_VALUE:
            faults.append(f"labels.{name}.value: {value!r} is not a whole number from 1 to {_LARGEST_VALUE}")
        elif seen.setdefault(value, name) != name:
            faults.append(f"labels.{name}.value: {value} is taken by {seen[value]}")
        faults += [f"labels.{name}.{fault}" for fault in _instances_faults(spec, len(values["labels"]))]
    return faults or ([] if values["labels"] else ["labels: empty; a model needs at least one"])


def _instances_faults(spec: Mapping[str, Any], labels: int) -> list[str]:
    instances = spec.get("instances", False)
    if not isinstance(instances, bool):
        return [f"instances: {instances!r} is neither true nor false"]
    if instances and (labels != 1 or spec["value"] != 1):
        return [f"instances: true makes every value above 0 this label; it must be the only one (of {labels}), value 1"]
    return []


def _region_faults(values: Mapping[str, Any], labels: LabelSet) -> list[str]:
    known = [label.name for label in labels.labels]
    faults = []
    for region, names in values["regions"].items():
        if not isinstance(names, list) or not names:
            faults.append(f"regions.{region}: {names!r} is not a list of labels")
            continue
        unknown = [str(name) for name in names if name not in known]
        if unknown:
            faults.append(f"regions.{region}: no label {', '.join(unknown)}; known are {', '.join(known)}")
    return faults


def _score_faults(values: Mapping[str, Any], labels: LabelSet) -> list[str]:
    tolerances = values["tolerance_mm"]
    measured = list(dict.fromkeys([*labels.regions, *(label.name for label in labels.labels)]))
    faults = [f"tolerance_mm.{name}: missing" for name in labels.scored if name not in tolerances]
    tables = {"tolerance_mm": tolerances} | {
        f"thresholds.{metric}": row for metric, row in values["thresholds"].items()
    }
    for table, row in tables.items():
        if not isinstance(row, Mapping):
            faults.append(f"{table}: {row!r} is not names and numbers")
            continue
        for name, value in row.items():
            if name not in measured:  # an evaluation measures the labels besides the regions
                faults.append(f"{table}.{name}: no label or region; known are {', '.join(measured)}")
            if type(value) not in (int, float) or value <= 0:
                faults.append(f"{table}.{name}: {value!r} is not a number above 0")
    return faults
