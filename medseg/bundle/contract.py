"""The shape of inference.yaml that every reader of bundles understands.

MONAI Label and MONAI Deploy take the transform lists apart by name, and so does medseg, which reads and writes
files itself: one LoadImaged first, one SaveImaged last, Invertd of the preprocessing in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medseg.bundle.safety import PARTS

_COMPOSE = "monai.transforms.Compose"
_LOAD = "monai.transforms.LoadImaged"
_SAVE = "monai.transforms.SaveImaged"
_DICTIONARY_ENDINGS = ("d", "D", "Dict")


def contract_faults(inference: Mapping[str, Any]) -> list[str]:
    """Where an inference.yaml leaves the portable shape.

    Args:
        inference: Parsed inference.yaml.

    Returns:
        One sentence per fault, each opening with the key; empty if it keeps the shape.
    """
    missing = [part for part in PARTS if not isinstance(inference.get(part), Mapping)]
    faults = [f"{part}: missing; it must be keys and values with a _target_" for part in missing]
    faults += [
        f"{part}._target_: missing" for part in PARTS if part not in missing and "_target_" not in inference[part]
    ]
    if "preprocessing" not in missing:
        faults += _compose_faults(inference["preprocessing"], "preprocessing", first=_LOAD)
    if "postprocessing" not in missing:
        faults += _compose_faults(inference["postprocessing"], "postprocessing", last=_SAVE)
    return faults


def middle_transforms(part: Mapping[str, Any]) -> list[Any]:
    """Transforms of a Compose as written, without the one that reads files and the one that writes them."""
    return [item for item in part["transforms"] if item["_target_"] not in (_LOAD, _SAVE)]


def _compose_faults(part: Mapping[str, Any], name: str, first: str = "", last: str = "") -> list[str]:
    items = part.get("transforms")
    if part.get("_target_") != _COMPOSE or not isinstance(items, list) or not items:
        return [f"{name}: must be a {_COMPOSE} with a list of transforms"]
    targets = [item.get("_target_") if isinstance(item, Mapping) else None for item in items]
    faults = []
    if first and targets[0] != first:
        faults.append(f"{name}.transforms.0: is {targets[0]}; the first must be {first}")
    if last and targets[-1] != last:
        faults.append(f"{name}.transforms.{len(items) - 1}: is {targets[-1]}; the last must be {last}")
    middle = list(enumerate(targets))[bool(first) : -1 if last else None]
    return faults + [f"{name}.transforms.{n}: {fault}" for n, target in middle if (fault := _step_fault(target))]


def _step_fault(target: Any) -> str | None:
    name = str(target).rsplit(".", 1)[-1]
    if target is None or not name.endswith(_DICTIONARY_ENDINGS):
        return f"{target} is not a dictionary transform; their names end in d, as in monai.transforms.Spacingd"
    return None
