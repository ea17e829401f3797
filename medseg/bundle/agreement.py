"""Whether bundles may segment together: they must take the same input and mean the same by their classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medseg.bundle.contract import middle_transforms
from medseg.bundle.read import Bundle


def disagreements(bundles: Mapping[str, Bundle]) -> list[str]:
    """In what bundles differ that their probabilities cannot be averaged for; networks and windows may differ.

    Args:
        bundles: What the user calls each, to the bundle. The first is what the others are compared with.

    Returns:
        One sentence per bundle and thing that differs; empty where all agree.
    """
    (first, reference), *others = bundles.items()
    told = _told(reference)
    return [
        f"{what}: {_differs(told[what], value)} ('{first}' and '{name}')"
        for name, bundle in others
        for what, value in _told(bundle).items()
        if value != told[what]
    ]


def averaging_faults(bundle: Bundle) -> list[str]:
    """Why the probabilities of a bundle cannot be averaged: it makes them otherwise than by softmax over classes."""
    steps = bundle.inference["postprocessing"]["transforms"]
    return [
        f"postprocessing.transforms.{n}: {key} is not softmax over classes; averaged are probabilities that add up to 1"
        for n, step in enumerate(steps)
        for key in ("sigmoid", "other")
        if step["_target_"].endswith(".Activationsd") and step.get(key)
    ]


def _told(bundle: Bundle) -> dict[str, Any]:
    """What must be the same."""
    labels = bundle.labels
    return {
        "input": ["pictures" if bundle.takes_pictures else "volumes"],
        "channels": [channel.name for channel in bundle.channels],
        "labels": [f"{label.value} {label.name}" for label in labels.labels],
        "regions": {name: list(own) for name, own in labels.regions.items()},
        "preprocessing": _chain(bundle, "preprocessing"),
        "postprocessing": _chain(bundle, "postprocessing"),
        "configs/series.yaml, which recognises DICOM series": bundle.series,
        "label_codes of metadata.json": bundle.coded,
    }


def _chain(bundle: Bundle, part: str) -> list[Any]:
    """The transforms as medseg builds them, with what they refer to in place."""
    return [_resolved(step, bundle) for step in middle_transforms(bundle.inference[part])]


def _resolved(value: Any, bundle: Bundle) -> Any:
    if isinstance(value, Mapping):
        return {key: _resolved(item, bundle) for key, item in value.items() if key != "_desc_"}
    if isinstance(value, list):
        return [_resolved(item, bundle) for item in value]
    if isinstance(value, str) and value.startswith("@") and value != "@preprocessing":
        return bundle.inference.get(value[1:], value)
    return value


def _differs(one: Any, other: Any) -> str:
    """Both values, as short as they say what differs."""
    if isinstance(one, list) and isinstance(other, list) and _are_steps(one) and _are_steps(other):
        n = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
        return f"transform {n + 1} is {_step(one, n)} in one and {_step(other, n)} in the other"
    if isinstance(one, list | dict) and isinstance(other, list | dict):
        return f"{_words(one)} and {_words(other)}"
    return "they differ"


def _are_steps(value: list[Any]) -> bool:
    return all(isinstance(item, Mapping) and "_target_" in item for item in value)


def _step(steps: list[Any], n: int) -> str:
    if n >= len(steps):
        return "absent"
    arguments = ", ".join(f"{key}={value}" for key, value in steps[n].items() if key not in ("_target_", "keys"))
    return f"{str(steps[n]['_target_']).rsplit('.', 1)[-1]}({arguments})"


def _words(value: list[Any] | dict[str, Any]) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key} = {' + '.join(own)}" for key, own in value.items()) or "none"
    return ", ".join(str(item) for item in value) or "none"
