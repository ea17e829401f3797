"""What a bundle says of itself, for people: its metadata.json in a few texts, whoever wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medseg.bundle.results import KEY as RESULTS
from medseg.bundle.results import results_in_words

_WORDS = {
    "task": "task",
    "description": "description",
    "intended use": "intended_use",
    "data source": "data_source",
    "labels": "label_classes",
    "authors": "authors",
    "copyright": "copyright",
}
_VERSIONS = {"MONAI": "monai_version", "PyTorch": "pytorch_version", "NumPy": "numpy_version"}
_PACKAGES = ("required_packages_version", "optional_packages_version")  # new and old name


def card_of(metadata: Any) -> dict[str, str]:
    """Heading to text, in the order in which one reads; what is not said is left out.

    Args:
        metadata: Values of metadata.json; anything else gives an empty card.
    """
    if not isinstance(metadata, Mapping):
        return {}
    card = {heading: _text(metadata.get(key)) for heading, key in _WORDS.items()}
    card["channels"] = _tensors(metadata, "inputs")
    card["classes"] = _tensors(metadata, "outputs")
    card["measured"] = _results(metadata.get(RESULTS))
    card["made with"] = _versions(metadata)
    return {heading: text for heading, text in card.items() if text}


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items())
    return "" if value is None else str(value)


def _tensors(metadata: Mapping[str, Any], side: str) -> str:
    """Names of the channels of every tensor; which tensor is said where there are several."""
    formats = metadata.get("network_data_format")
    tensors = formats.get(side) if isinstance(formats, Mapping) else None
    if not isinstance(tensors, Mapping):
        return ""
    named = {str(name): _channels(tensor) for name, tensor in tensors.items()}
    told = {name: text for name, text in named.items() if text}
    return "; ".join(f"{name}: {text}" if len(tensors) > 1 else text for name, text in told.items())


def _channels(tensor: Any) -> str:
    names = tensor.get("channel_def") if isinstance(tensor, Mapping) else None
    return ", ".join(f"{key} {_text(name)}" for key, name in names.items()) if isinstance(names, Mapping) else ""


def _results(metrics: Any) -> str:
    try:
        return results_in_words(metrics) or _text(metrics)
    except (ArithmeticError, AttributeError):  # numbers beyond those of a computer, or none at all
        return _text(metrics)


def _versions(metadata: Mapping[str, Any]) -> str:
    known = [f"{name} {_text(metadata[key])}" for name, key in _VERSIONS.items() if metadata.get(key) is not None]
    packages: Mapping[str, Any] = next(
        (metadata[key] for key in _PACKAGES if isinstance(metadata.get(key), Mapping)), {}
    )
    return ", ".join([*known, *(f"{name} {_text(version)}" for name, version in packages.items())])
