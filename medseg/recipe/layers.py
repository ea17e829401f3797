"""Put a recipe together from bundle, files and flags, so that each value knows where it came from."""

from __future__ import annotations

import dataclasses
import difflib
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medseg.core.errors import ConfigError, UsageError, raise_faults
from medseg.core.recipe import Recipe
from medseg.recipe.values import fit
from medseg.recipe.yaml_file import parse_scalar


@dataclass(frozen=True)
class Layer:
    """Values from one place.

    Attributes:
        origin: Where from, as --print-config shows it: "bundle", "--set", a file's path.
        values: Dotted key to value.
    """

    origin: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Resolved:
    """A recipe with the origin of each value.

    Attributes:
        recipe: The typed values.
        values: Dotted key to plain value, in the order of the schema.
        origins: Dotted key to origin.
    """

    recipe: Recipe
    values: Mapping[str, Any]
    origins: Mapping[str, str]


def leaves(schema: type = Recipe, prefix: str = "") -> dict[str, Any]:
    """Every dotted key a recipe has, with the annotation that says what it may hold."""
    found: dict[str, Any] = {}
    for name, hint in typing.get_type_hints(schema, include_extras=True).items():
        if dataclasses.is_dataclass(hint):
            found |= leaves(typing.cast(type, hint), f"{prefix}{name}.")
        else:
            found[prefix + name] = hint
    return found


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one mapping of dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.") if value else {f"{prefix}{key}": {}}
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def parse_settings(texts: Sequence[str]) -> Layer:
    """Layer from ``--set key=value`` texts.

    Raises:
        UsageError: A text has no "=", or a key is not one of the recipe's.
    """
    values: dict[str, Any] = {}
    faults = []
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            faults.append(f"'{text}': write --set key=value, for example --set optimizer.lr=1e-3")
        elif key.strip() not in leaves():
            faults.append(f"{key.strip()}: {unknown_key(key.strip())}")
        values[key.strip()] = parse_scalar(value.strip())
    raise_faults("--set", faults, UsageError)
    return Layer("--set", values)


def resolve(layers: Iterable[Layer], title: str) -> Resolved:
    """One recipe from layers; later ones win.

    Args:
        layers: The first should hold every key.
        title: What is being read, for the error ("Bundle 'brats_unet3d'").

    Raises:
        ConfigError: Unknown, missing or unfit values; all of them at once.
    """
    schema = leaves()
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    faults: list[str] = []
    for layer in layers:
        for key, value in layer.values.items():
            if key not in schema:
                faults.append(f"{key} ({layer.origin}): {unknown_key(key)}")
                continue
            fitted, fault = fit(value, schema[key])
            if fault:
                faults.append(f"{key} ({layer.origin}): {fault}")
            values[key], origins[key] = fitted, layer.origin
    faults += [f"{key}: missing" for key in schema if key not in values]
    raise_faults(title, faults, ConfigError)
    ordered = {key: values[key] for key in schema}
    return Resolved(_build(Recipe, ordered), ordered, {key: origins[key] for key in schema})


def _build(schema: type, values: Mapping[str, Any], prefix: str = "") -> Any:
    arguments = {}
    for name, hint in typing.get_type_hints(schema).items():
        key = prefix + name
        nested = dataclasses.is_dataclass(hint)
        arguments[name] = _build(typing.cast(type, hint), values, key + ".") if nested else values[key]
    return schema(**arguments)


def unknown_key(key: str) -> str:
    """What is said of a key that no recipe has, with the nearest right one."""
    known = list(leaves())
    # A bare last part ("lr") is as likely as a misspelt whole key.
    by_tail = [name for name in known if name.rsplit(".", 1)[-1] == key.rsplit(".", 1)[-1]]
    nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.6) or by_tail[:1]
    if nearest:
        return f"unknown key; did you mean '{nearest[0]}'?"
    return "unknown key; --print-config lists the keys a recipe has"
