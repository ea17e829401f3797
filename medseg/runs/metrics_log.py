"""metrics.csv: one row an epoch, on the disk as soon as the epoch is over."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from medseg.core.errors import FileError, OutputError
from medseg.core.files import write_text

DICE_PREFIX = "dice "  # a column "dice WT" for each name that is scored
_FIRST = ("epoch", "step", "lr", "loss")
_LAST = ("seconds", "data_wait", "memory_gib")

Row = dict[str, float]


def columns_for(scored: Sequence[str]) -> tuple[str, ...]:
    """Columns of a training: epoch, step, lr, loss, Dice of each name, seconds, data_wait, memory_gib.

    ``seconds`` is the length of the epoch, ``data_wait`` the share of it spent waiting for data,
    ``memory_gib`` the largest amount of memory held.
    """
    return (*_FIRST, *(DICE_PREFIX + name for name in scored), *_LAST)


class MetricsLog:
    """Appends rows to a metrics.csv.

    Args:
        path: The file; ``RunFolder.metrics``.
        columns: The first is "epoch"; they stay as they are for the life of the file.
        resume_epoch: None starts a new file. A number keeps the rows up to that epoch: those after
            it belong to work that the checkpoint does not know and that is now done again.

    Raises:
        OutputError: The file cannot be written, or holds other columns.
    """

    def __init__(self, path: Path, columns: Sequence[str], *, resume_epoch: int | None = None) -> None:
        self.path = path
        self.columns = tuple(columns)
        write_text(path, "".join(_kept_lines(path, self.columns, resume_epoch)))

    def append(self, row: Mapping[str, float]) -> None:
        """Add an epoch; a column not given, or nan, stays empty.

        Raises:
            OutputError: The disk is full or the file is gone from our reach.
            ValueError: A key is not a column.
        """
        unknown = sorted(set(row) - set(self.columns))
        if unknown:
            raise ValueError(f"not columns of {self.path.name}: {', '.join(unknown)}")
        try:
            with self.path.open("a", encoding="utf-8", newline="") as stream:
                stream.write(_line([_cell(row.get(name, math.nan)) for name in self.columns]))
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise OutputError(
                f"Cannot write '{self.path}': {error.strerror or error}. Free space and --resume."
            ) from error


def read_metrics(path: Path) -> list[Row]:
    """Rows of a metrics.csv; empty cells are nan. A last row cut short by a kill is left out.

    Raises:
        FileError: The file is absent or not one of ours.
    """
    header, rows = _read(path)
    if header[:1] != ["epoch"]:
        raise FileError(f"'{path}' is no metrics.csv: its first column is not 'epoch'.")
    return [dict(zip(header, map(_number, cells), strict=True)) for cells in rows]


def _kept_lines(path: Path, columns: tuple[str, ...], resume_epoch: int | None) -> list[str]:
    if resume_epoch is None or not path.exists():
        return [_line(columns)]
    header, rows = _read(path)
    if tuple(header) != columns:
        raise OutputError(
            f"'{path}' has the columns {', '.join(header)}; this run writes {', '.join(columns)}. "
            "Resume with the bundle it was started with."
        )
    return [_line(columns), *(_line(cells) for cells in rows if _number(cells[0]) <= resume_epoch)]


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise FileError(f"Cannot read '{path}': {error.strerror or error}.") from None
    whole = text[: text.rfind("\n") + 1]  # a kill in mid-write leaves a line without its end
    header, *rows = list(csv.reader(io.StringIO(whole))) or [[]]
    return header, [cells for cells in rows if len(cells) == len(header)]


def _line(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()


def _cell(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    return "" if math.isnan(value) else f"{value:.6g}"


def _number(cell: str) -> float:
    try:
        return float(cell) if cell else math.nan
    except ValueError:
        return math.nan
