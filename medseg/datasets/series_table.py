"""The series of a study as a table, one line each, for a user who has to choose: no identity, only what tells apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from medseg.io.dicom_series import Series


def calls(series: Sequence[Series]) -> list[str]:
    """What each series is called by in ``--series``: its number, or its UID where the number is absent or double."""
    counts = Counter(one.number for one in series)
    return [one.uid if one.number is None or counts[one.number] > 1 else str(one.number) for one in series]


def candidate_table(series: Sequence[Series], words: Mapping[int, str]) -> list[str]:
    """One line per series: what to call it, description, shape, spacing in mm, and what is said of it.

    Args:
        series: Of the study.
        words: Position in ``series`` to what is said; a position that is not named is left out.
    """
    names = calls(series)
    rows = [(f"series {names[n]}", *_facts(series[n]), said) for n, said in words.items()]
    widths = [max(len(row[column]) for row in rows) for column in range(4)] if rows else []
    return ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]) for row in rows]


def _facts(series: Series) -> tuple[str, str, str]:
    # Whole, however long: a name cut in two would not be found when identity is taken out.
    described = f"'{series.description}'" if series.description else "no description"
    shape = f"{len(series.slices)} slices" if series.shape is None else "x".join(str(n) for n in series.shape)
    spacing = "" if series.spacing_mm is None else "x".join(f"{s:.3g}" for s in series.spacing_mm) + " mm"
    return described, shape, spacing
