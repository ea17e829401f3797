"""Whether one value of a recipe fits its place, and if not, why."""

from __future__ import annotations

import math
import types
import typing
from typing import Any

from medseg.core.recipe import Limits
from medseg.recipe.yaml_file import NUMBER_AS_TEXT

_NAMES: dict[Any, str] = {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}


def fit(value: Any, annotation: Any) -> tuple[Any, str | None]:
    """Value as its place wants it, and a fault if it cannot be.

    Args:
        value: As YAML gave it.
        annotation: A type, or a type with ``Limits`` in an ``Annotated``.

    Returns:
        The value (whole numbers become floats and lists tuples where asked) and None, or the
        unchanged value and a sentence.
    """
    wanted, limits = annotation, Limits()
    if typing.get_origin(annotation) is typing.Annotated:
        wanted, limits = typing.get_args(annotation)
    if typing.get_origin(wanted) is types.UnionType:
        if value is None:
            return None, None
        wanted = next(part for part in typing.get_args(wanted) if part is not type(None))
    if typing.get_origin(wanted) is tuple:
        return _fit_list(value, typing.get_args(wanted), limits)
    return _fit_one(value, wanted, limits)


def _fit_list(value: Any, parts: tuple[Any, ...], limits: Limits) -> tuple[Any, str | None]:
    if not isinstance(value, list | tuple):
        return value, f"{value!r} is not a list; write [{value}]"
    is_range = parts[-1] is not Ellipsis
    if is_range and len(value) != len(parts):
        return value, f"{list(value)} has {len(value)} values; {len(parts)} are wanted"
    fitted = [_fit_one(item, parts[0], limits) for item in value]
    values, fault = tuple(item for item, _ in fitted), next((fault for _, fault in fitted if fault), None)
    if is_range and fault is None and values[0] > values[1]:
        fault = f"{list(values)}: the first value is larger than the second; write [low, high]"
    return values, fault


def _fit_one(value: Any, wanted: type, limits: Limits) -> tuple[Any, str | None]:
    if wanted is float and type(value) is int:
        value = float(value)
    if isinstance(value, str) and wanted in (int, float) and NUMBER_AS_TEXT.fullmatch(value):
        return value, f"'{value}' is text; write {_as_decimal(value) if wanted is float else f'{float(value):g}'}"
    if type(value) is not wanted:
        return value, f"{value!r} is not {_NAMES[wanted]}"
    if limits.choices and value not in limits.choices:
        return value, f"'{value}' is not one of {', '.join(limits.choices)}"
    return value, _limit_fault(value, limits) if isinstance(value, int | float) else None


def _limit_fault(value: float, limits: Limits) -> str | None:
    if not math.isfinite(value):
        return f"{value} is not a finite number"
    too_low = value <= limits.low if limits.open_low else value < limits.low
    if too_low or value > limits.high:
        edge = "above" if limits.open_low else "at least"
        upper = "" if math.isinf(limits.high) else f" and at most {limits.high:g}"
        return f"{value:g} is out of range; it must be {edge} {limits.low:g}{upper}"
    return None


def _as_decimal(text: str) -> str:
    mantissa, exponent = text.lower().split("e")
    mantissa = mantissa if "." in mantissa else mantissa + ".0"
    return f"{mantissa}e{'' if exponent[0] in '+-' else '+'}{exponent}"
