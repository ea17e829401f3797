"""A table for people (plain text) and for programs (CSV)."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from medseg.core.files import write_text

_GAP = "  "


def format_table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Columns aligned for a terminal: words to the left, numbers to the right.

    Args:
        headers: One a column.
        rows: As many cells each. Floats are shown with three decimals, nan and None as "-".

    Returns:
        Lines without a newline at the end.
    """
    table = [list(row) for row in rows]
    numeric = [all(_is_number(row[n]) for row in table) and bool(table) for n in range(len(headers))]
    cells = [list(headers), *[[_show(value) for value in row] for row in table]]
    widths = [max(len(row[n]) for row in cells) for n in range(len(headers))]
    lines = [
        _GAP.join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in cells
    ]
    return "\n".join([lines[0], _GAP.join("-" * width for width in widths), *lines[1:]])


def write_csv(path: Path, headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV file, whole or not at all; floats keep six significant digits, nan and None stay empty.

    Raises:
        OutputError: The file cannot be written.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(headers)
    writer.writerows([_plain(value) for value in row] for row in rows)
    write_text(path, buffer.getvalue())


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _is_absent(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _show(value: Any) -> str:
    if _is_absent(value):
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> str:
    if _is_absent(value):
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
