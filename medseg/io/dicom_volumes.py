"""Several volumes in one series: which attribute tells them apart, and how to keep one."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping, Sequence

from pydicom.datadict import keyword_dict

from medseg.core.errors import UsageError
from medseg.core.verdict import Finding
from medseg.io.dicom_series import Slice

# What one volume has one value of. Printed echo times of one volume differ in the third digit at most.
_CONTRAST = (
    *("EchoTime", "EffectiveEchoTime", "InversionTime", "DiffusionBValue", "ConvolutionKernel"),
    "ComplexImageComponent",
)
_CONTRAST_RTOL = 0.05
SHOWN = 4  # values of an attribute in a message


def what_differs(positions: Sequence[Sequence[Slice]], name: str) -> Finding | None:
    """Why several slices share a position, where headers say why; None where they do not.

    Args:
        positions: Slices of each position.
        name: How messages call the series.
    """
    most = max(len(group) for group in positions)
    telling = {keyword: values for keyword, values in _varying(positions) if 1 < len(values) <= most}
    if not telling:
        return None
    slices = [one for group in positions for one in group]
    one_file = len({one.path for one in slices}) == 1 and slices[0].frame is not None
    keyword, values = next(iter(telling.items()))
    listed = "; ".join(f"{key}: {_listed(found)}" for key, found in list(telling.items())[:3])
    what = f"{most} stacks in one file" if one_file else f"{most} volumes at the same positions"
    return Finding(
        "several_stacks" if one_file else "several_volumes",
        f"{name}: {what} ({len(slices)} slices at {len(positions)} positions). They differ in {listed}. "
        f"Choose one, for example --select {keyword}={_choice(values)}.",
    )


def mixed_contrast(slices: Sequence[Slice], name: str) -> Finding | None:
    """Why slices that lie well are still not one volume: parts of several, such as two echoes; None where they are."""
    for keyword in (*_CONTRAST, "ImageType"):
        found = (_contrast(keyword, dict(one.attributes).get(keyword, "")) for one in slices)
        values = [value for value in dict.fromkeys(found) if value]
        if any(not _alike(value, values[0]) for value in values):
            reason = f"parts of several volumes: slices at different positions have {keyword} {_listed(values)}"
            advice = f"Fetch the series again, or choose with --select {keyword}={_choice(values)}."
            return Finding("several_volumes", f"{name}: {reason}. {advice}")
    return None


def check_keywords(select: Mapping[str, str]) -> None:
    """Refuse a keyword that DICOM does not have: it would select everything.

    Raises:
        UsageError: Names the keyword and the nearest right one.
    """
    for keyword in select:
        if keyword not in keyword_dict and not keyword.startswith("("):  # a private dimension is named by its tag
            nearest = difflib.get_close_matches(keyword, keyword_dict, n=1, cutoff=0.6)
            hint = f"; did you mean '{nearest[0]}'?" if nearest else ""
            raise UsageError(f"--select {keyword}: no DICOM attribute has this keyword{hint}")


def select_slices(slices: Sequence[Slice], select: Mapping[str, str]) -> list[Slice]:
    """Slices whose attributes equal what is asked for; an attribute that does not vary among them selects nothing.

    Args:
        slices: Of one series.
        select: Keyword to value; a number equals within 1e-6, one part of a list such as ImageType is enough. Where
            enhanced objects call EchoTime EffectiveEchoTime, both are right.
    """
    kept = list(slices)
    for keyword, wanted in select.items():
        values = [_value(one, keyword) for one in kept]
        if len(set(values)) > 1:
            kept = [one for one, value in zip(kept, values, strict=True) if _equals(value, wanted)]
    return kept


def _value(one: Slice, keyword: str) -> str:
    attributes = dict(one.attributes)
    return attributes.get(keyword, attributes.get(f"Effective{keyword}", ""))


def _varying(positions: Sequence[Sequence[Slice]]) -> Iterator[tuple[str, list[str]]]:
    """Attributes that differ between slices of one position, with all their values in order of appearance."""
    crowded = [[dict(one.attributes) for one in group] for group in positions if len(group) > 1]
    keywords = dict.fromkeys(keyword for group in crowded for one in group for keyword in one)
    everywhere = [dict(one.attributes) for group in positions for one in group]
    for keyword in keywords:
        if all(len({one.get(keyword, "") for one in group}) > 1 for group in crowded):
            yield keyword, list(dict.fromkeys(one.get(keyword, "") for one in everywhere))


def _contrast(keyword: str, value: str) -> str:
    """Of ImageType, only the third word: M, P, ADC (PS3.3 C.7.6.1.1.2); later ones tell of processing."""
    return (value.split("\\")[2:3] or [""])[0] if keyword == "ImageType" else value


def _alike(one: str, other: str) -> bool:
    try:
        return math.isclose(float(one), float(other), rel_tol=_CONTRAST_RTOL)
    except ValueError:
        return one == other


def _listed(values: Sequence[str]) -> str:
    shown = ", ".join(value or "absent" for value in values[:SHOWN])
    return f"{shown}, … ({len(values)} values)" if len(values) > SHOWN else shown


def _choice(values: Sequence[str]) -> str:
    value = next(value for value in values if value)
    return f"'{value}'" if set(value) & set(" \\'[](),") else value


def _equals(found: str, wanted: str) -> bool:
    if found == wanted or wanted in found.split("\\"):
        return True
    try:
        return math.isclose(float(found), float(wanted), rel_tol=1e-6)
    except ValueError:
        return False
