"""configs/series.yaml: how a bundle recognises each of its channels among the series of a DICOM study."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from medseg.core.series_rules import TESTS, TIE_BREAKS, Alternative, Condition, SeriesRules

_REQUIRED = ("reference", "tie_breaks", "channels")
_KEYS = ("reference", "tie_breaks", "every", "channels")
_WORDS = ("present", "absent")


def series_rules_of(values: Mapping[str, Any], channels: Sequence[str]) -> tuple[SeriesRules | None, list[str]]:
    """What a series.yaml says, and its faults; whether a keyword is DICOM's is left to ``keyword_faults``.

    Args:
        values: The parsed file.
        channels: Of the bundle, in the network's order; each must have a rule.

    Returns:
        The rules, None where there is a fault, and one sentence per fault, each opening with the key.
    """
    faults = [f"{key}: unknown key{_nearest(key, _KEYS)}" for key in values if key not in _KEYS]
    faults += [f"{key}: missing" for key in _REQUIRED if key not in values]
    faults += _reference_faults(values, channels) + _tie_break_faults(values.get("tie_breaks", []))
    every = _alternative(values.get("every", {}), "every", faults, empty=True)
    rules = values.get("channels", {})
    if not isinstance(rules, Mapping):
        return None, [*faults, f"channels: {rules!r} is not channels and rules"]
    faults += [
        f"channels.{name}: no channel of the bundle{_nearest(name, channels)}" for name in rules if name not in channels
    ]
    faults += [f"channels.{name}: missing" for name in channels if name not in rules and "channels" in values]
    read = {name: _alternatives(rules[name], f"channels.{name}", faults) for name in channels if name in rules}
    if faults:
        return None, faults
    joined = {name: tuple((*every, *row) for row in rows) for name, rows in read.items()}
    return SeriesRules(values["reference"], joined, tuple(values["tie_breaks"])), []


def keyword_faults(rules: SeriesRules | None) -> list[str]:
    """One sentence per keyword of the rules that DICOM does not know or that tells of the patient; empty without rules.

    Apart from ``series_rules_of``, for it takes pydicom: a bundle is read without.
    """
    if rules is None:
        return []
    from medseg.io.dicom_attributes import keyword_faults as faults

    return [f"configs/series.yaml: {fault}" for fault in faults(rules.keywords)]


def _reference_faults(values: Mapping[str, Any], channels: Sequence[str]) -> list[str]:
    reference = values.get("reference")
    if "reference" not in values or reference in channels:
        return []
    return [f"reference: {reference!r} is no channel of the bundle; write one of {', '.join(channels)}"]


def _tie_break_faults(given: Any) -> list[str]:
    if not isinstance(given, list):
        return [f"tie_breaks: {given!r} is not a list; write [] for none"]
    known = ", ".join(TIE_BREAKS)
    return [f"tie_breaks: {one!r} is not one of {known}" for one in given if one not in TIE_BREAKS]


def _alternatives(given: Any, where: str, faults: list[str]) -> tuple[Alternative, ...]:
    if not isinstance(given, list) or not given:
        faults.append(f"{where}: {given!r} is not a list of alternatives; write '- KEYWORD: condition' lines")
        return ()
    return tuple(_alternative(one, f"{where}[{n}]", faults) for n, one in enumerate(given))


def _alternative(given: Any, where: str, faults: list[str], *, empty: bool = False) -> Alternative:
    if not isinstance(given, Mapping) or not (given or empty):
        faults.append(f"{where}: {given!r} is not keywords and conditions")
        return ()
    return tuple(one for keyword, spec in given.items() for one in _conditions(keyword, spec, where, faults))


def _conditions(keyword: Any, spec: Any, where: str, faults: list[str]) -> list[Condition]:
    """Conditions of one keyword: a word, or one or more tests that must all hold."""
    where = f"{where}.{keyword}"
    if isinstance(spec, str) and spec in _WORDS:
        return [Condition(str(keyword), spec)]
    if not isinstance(spec, Mapping) or not spec:
        faults.append(f"{where}: {spec!r}; write present, absent, or a test such as {{range: [null, 30]}}")
        return []
    found = []
    for test, operand in spec.items():
        if test in _WORDS or test not in TESTS:
            known = [name for name in TESTS if name not in _WORDS]
            faults.append(f"{where}.{test}: unknown test{_nearest(str(test), known)}; known are {', '.join(known)}")
        elif fault := _operand_fault(test, operand):
            faults.append(f"{where}.{test}: {fault}")
        else:
            found.append(Condition(str(keyword), test, tuple(operand) if isinstance(operand, list) else (operand,)))
    return found


def _operand_fault(test: str, operand: Any) -> str | None:
    return _OPERANDS[test](operand)


def _list_fault(operand: Any) -> str | None:
    if not isinstance(operand, list) or not operand:
        return f"{operand!r} is not a list of values"
    for one in operand:
        if isinstance(one, bool):
            return f"{one!r} is how YAML reads a bare yes, no, on or off; write it in quotes"
        if not isinstance(one, str | int | float):
            return f"{one!r} is not a text or number"
    return None


def _limits_fault(operand: Any) -> str | None:
    if not isinstance(operand, list) or len(operand) != 2 or not all(map(_is_limit, operand)):
        return f"{operand!r} is not two numbers; write null for an open end"
    low, high = operand
    if low is None and high is None:
        return "[null, null] excludes nothing; write 'present'"
    return f"{operand!r} is empty: {low:g} is above {high:g}" if None not in operand and low > high else None


def _is_limit(value: Any) -> bool:
    return value is None or (type(value) in (int, float) and math.isfinite(value))


def _pattern_fault(operand: Any) -> str | None:
    if not isinstance(operand, str) or not operand:
        return f"{operand!r} is not a regular expression"
    try:
        re.compile(operand)
    except re.error as error:
        return f"'{operand}' is not a regular expression ({error})"
    return None


_OPERANDS: Mapping[str, Callable[[Any], str | None]] = {
    "in": _list_fault,
    "not_in": _list_fault,
    "range": _limits_fault,
    "outside": _limits_fault,
    "matches": _pattern_fault,
    "lacks": _pattern_fault,
}


def _nearest(word: Any, known: Sequence[str]) -> str:
    nearest = difflib.get_close_matches(str(word), known, n=1, cutoff=0.5)
    return f"; did you mean '{nearest[0]}'?" if nearest else ""
