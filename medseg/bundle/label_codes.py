"""The label_codes of metadata.json: what each label and region is, in codes that a PACS and a viewer know."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from medseg.core.coding import CodedLabel, Concept
from medseg.core.labels import LabelSet

KEY = "label_codes"
_CONCEPTS = ("category", "type", "site", "modifier")
_REQUIRED = ("category", "type")
_KEYS = (*_CONCEPTS, "colour")
# PS3.5 6.2: code value and scheme are short strings, the meaning is a long one.
_LONGEST = (16, 16, 64)


def label_codes_of(metadata: Mapping[str, Any], labels: LabelSet) -> tuple[tuple[CodedLabel, ...], list[str]]:
    """Labels, then regions, that have codes; and what is wrong with the codes given.

    A region that has name and values of a label is that label, and comes once.

    Args:
        metadata: Parsed metadata.json; its ``label_codes`` gives per name category, type, and where wanted site,
            modifier and colour.
        labels: Of the bundle.

    Returns:
        The coded labels, without those that have no code or a wrong one, and one sentence per fault, opening with its
        key.
    """
    codes = metadata.get(KEY, {})
    if not isinstance(codes, Mapping):
        return (), [f"{KEY}: {codes!r} is not names and codes"]
    named = named_values(labels)
    known = [name for name, _ in named]
    faults = [f"{KEY}.{name}: no label or region{_nearest(name, known)}" for name in codes if name not in known]
    entries = {name: _entry_faults(f"{KEY}.{name}", codes[name]) for name, _ in named if name in codes}
    faults += [fault for wrong in entries.values() for fault in wrong]
    coded = [_coded(name, values, codes[name]) for name, values in named if entries.get(name) == []]
    return tuple(coded), faults


def named_values(labels: LabelSet) -> list[tuple[str, tuple[int, ...]]]:
    """Name and label map values of each label, then of each region that is not one of them."""
    value = {label.name: label.value for label in labels.labels}
    own = [(name, (number,)) for name, number in value.items()]
    joined = [(region, tuple(value[name] for name in names)) for region, names in labels.regions.items()]
    return [*own, *(pair for pair in joined if pair not in own)]


def _entry_faults(where: str, entry: Any) -> list[str]:
    if not isinstance(entry, Mapping):
        return [f'{where}: {entry!r}; write {{"category": [code, scheme, meaning], "type": [...]}}']
    faults = [f"{where}.{key}: unknown key{_nearest(key, _KEYS)}" for key in entry if key not in _KEYS]
    faults += [f"{where}.{key}: missing" for key in _REQUIRED if key not in entry]
    for key in _CONCEPTS:
        if key in entry and (fault := _concept_fault(entry[key])):
            faults.append(f"{where}.{key}: {fault}")
    if "colour" in entry and not _is_colour(entry["colour"]):
        faults.append(f"{where}.colour: {entry['colour']!r} is not [red, green, blue], whole numbers from 0 to 255")
    return faults


def _concept_fault(concept: Any) -> str | None:
    if not isinstance(concept, list) or len(concept) != 3 or not all(isinstance(one, str) and one for one in concept):
        return f'{concept!r} is not [code, scheme, meaning], such as ["79654002", "SCT", "Edema"]'
    for text, longest in zip(concept, _LONGEST, strict=True):
        if len(text) > longest:
            return f"'{text}' has {len(text)} characters; DICOM takes {longest}"
    return None


def _is_colour(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(type(one) is int and 0 <= one <= 255 for one in value)


def _coded(name: str, values: tuple[int, ...], entry: Mapping[str, Any]) -> CodedLabel:
    concepts = {key: Concept(*entry[key]) if key in entry else None for key in ("site", "modifier")}
    colour = tuple(entry["colour"]) if "colour" in entry else None
    return CodedLabel(name, values, Concept(*entry["category"]), Concept(*entry["type"]), **concepts, colour=colour)


def _nearest(word: Any, known: Sequence[str]) -> str:
    nearest = difflib.get_close_matches(str(word), known, n=1, cutoff=0.5)
    return f"; did you mean '{nearest[0]}'?" if nearest else ""
