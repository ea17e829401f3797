"""Which of several series that meet a rule alike is taken: by the tie-breaks a bundle states, and by nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from medseg.io.dicom_attributes import attribute_of
from medseg.io.dicom_series import Series

_TIMES = (("SeriesDate", "SeriesTime"), ("AcquisitionDate", "AcquisitionTime"))


class _TieBreak(NamedTuple):
    """How a tie-break ranks: the largest rank is taken; and how it says so, of winner and runner-up."""

    rank: Callable[[Series], object]
    words: Callable[[Series, Series], str]


def break_ties(series: Sequence[Series], positions: Sequence[int], tie_breaks: Sequence[str]) -> tuple[list[int], str]:
    """Positions that are left after the tie-breaks, and those that decided, in words.

    Args:
        series: Of the study.
        positions: Those that meet a rule; at least one.
        tie_breaks: Rows of ``medseg.core.series_rules.TIE_BREAKS``, in order. One that cannot be told of every series
            (``latest`` without times) is passed over.
    """
    left, words = list(positions), list[str]()
    for name in tie_breaks:
        ranks = {n: _TIE_BREAKS[name].rank(series[n]) for n in left}
        if len(left) == 1 or None in ranks.values():
            continue
        best = max(ranks.values())  # type: ignore[type-var]  # one kind of rank per tie-break
        first, beaten = [n for n in left if ranks[n] == best], [n for n in left if ranks[n] != best]
        if beaten:
            second = max(beaten, key=lambda n: ranks[n])  # type: ignore[arg-type, return-value]
            words.append(f"tie-break {name} {_TIE_BREAKS[name].words(series[first[0]], series[second])}".strip())
        left = first
    return left, "; ".join(words)


def _slices(series: Series) -> int:
    return int(attribute_of(series, "Slices")[0])


def _thinness(series: Series) -> float | None:
    spacing = attribute_of(series, "SliceSpacingMm")
    return -round(float(spacing[0]), 2) if spacing else None  # two writers differ by micrometres


def _time(series: Series) -> tuple[str, str] | None:
    """When a series began, to be compared and never to be shown."""
    for date, time in _TIMES:
        found = tuple(str(series.header.get(name) or "") for name in (date, time))
        if all(found):
            return found[0], found[1].split(".")[0]
    return None


_TIE_BREAKS: Mapping[str, _TieBreak] = {
    "most_slices": _TieBreak(_slices, lambda one, other: f"{_slices(one)} > {_slices(other)}"),
    "thinnest": _TieBreak(
        _thinness, lambda one, other: f"{-(_thinness(one) or 0):g} mm < {-(_thinness(other) or 0):g} mm"
    ),
    "latest": _TieBreak(_time, lambda one, other: f"(begun after {other.name})"),
}
