"""How far an activity is: one bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, TextIO

from tqdm import tqdm

PLAIN_EVERY_S = 30.0  # seconds between plain lines: a day of training stays below 3000 of them
FALLBACK_COLUMNS = 120
_BAR = "{desc} {percentage:3.0f}%|{bar:10}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}]{postfix}"
_COUNTER = "{desc} {n_fmt} [{elapsed}]{postfix}"

# How a field reads; one that is not listed shows as "name value".
FIELDS: Mapping[str, str] = {
    "epoch": "epoch {}",
    "loss": "loss {:.4f}",
    "epoch_seconds": "{:.1f} s/epoch",
    "memory_gib": "{:.1f} GiB",
}


class Progress:
    """Shows the progress of one activity on stderr.

    Args:
        total: Number of things to do; None if it is not known.
        title: What is being done ("Training").
        stream: Where to show it; None takes stderr.
        rank: Only rank 0 shows anything.
        every_s: Least time between two plain lines.
        done: How many of ``total`` were done before (a resumed run).
        clock: Seconds from any start.

    Example:
        with Progress(epochs * steps, "Training") as progress:
            progress.advance(1, epoch="3/20", loss=0.41, dice={"WT": 0.83}, epoch_seconds=12.5)
    """

    def __init__(
        self,
        total: int | None,
        title: str,
        *,
        stream: TextIO | None = None,
        rank: int = 0,
        every_s: float = PLAIN_EVERY_S,
        done: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fields: dict[str, Any] = {}
        self._show: _Bar | _Lines | None = None
        if rank == 0:
            stream = sys.stderr if stream is None else stream
            terminal = getattr(stream, "isatty", lambda: False)()
            make = _Bar if terminal else _Lines
            self._show = make(total, title, stream, done, every_s, clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def advance(self, count: int = 1, **fields: Any) -> None:
        """Count on, and change the fields shown; the others stay as they were."""
        self._fields |= fields
        if self._show is not None:
            self._show.advance(count, self._fields)

    def say(self, line: str) -> None:
        """Show a line without breaking the bar."""
        if self._show is not None:
            self._show.say(line)

    def close(self) -> None:
        """Show the last state and end; may be called again."""
        if self._show is not None:
            self._show.close(self._fields)
        self._show = None


class _Bar:
    def __init__(
        self, total: int | None, title: str, stream: TextIO, done: int, every_s: float, clock: Callable[[], float]
    ) -> None:
        self._stream = stream
        self._bar: tqdm[Any] = tqdm(
            total=total,
            initial=done,
            desc=title,
            file=stream,
            **_width(stream),
            bar_format=_BAR if total is not None else _COUNTER,
        )

    def advance(self, count: int, fields: Mapping[str, Any]) -> None:
        self._bar.set_postfix_str(format_fields(fields), refresh=False)
        self._bar.update(count)

    def say(self, line: str) -> None:
        tqdm.write(line, file=self._stream)

    def close(self, fields: Mapping[str, Any]) -> None:
        self._bar.set_postfix_str(format_fields(fields), refresh=True)
        self._bar.close()


def _width(stream: TextIO) -> dict[str, Any]:
    # Some terminals (containers, `script`) say they have no columns; tqdm would then show nothing.
    try:
        known = os.get_terminal_size(stream.fileno()).columns > 0
    except (OSError, ValueError):
        known = False
    return {"dynamic_ncols": True} if known else {"ncols": FALLBACK_COLUMNS}


class _Lines:
    def __init__(
        self, total: int | None, title: str, stream: TextIO, done: int, every_s: float, clock: Callable[[], float]
    ) -> None:
        self._total, self._title, self._stream = total, title, stream
        self._first = self._done = self._shown = done
        self._every_s, self._clock = every_s, clock
        self._start = self._last = clock()

    def advance(self, count: int, fields: Mapping[str, Any]) -> None:
        self._done += count
        if self._clock() - self._last >= self._every_s:
            self._line(fields)

    def say(self, line: str) -> None:
        print(line, file=self._stream, flush=True)

    def close(self, fields: Mapping[str, Any]) -> None:
        if self._done != self._shown:
            self._line(fields)

    def _line(self, fields: Mapping[str, Any]) -> None:
        count = str(self._done) if self._total is None else f"{self._done}/{self._total}"
        parts = [f"{self._title} {count}", format_fields(fields), self._time_left()]
        self.say(", ".join(part for part in parts if part))
        self._shown, self._last = self._done, self._clock()

    def _time_left(self) -> str:
        elapsed = self._clock() - self._start
        counted = self._done - self._first
        if self._total is None or counted <= 0 or self._done >= self._total:
            return f"{format_seconds(elapsed)} so far"
        return f"{format_seconds(elapsed / counted * (self._total - self._done))} left"


def format_fields(fields: Mapping[str, Any]) -> str:
    """Fields as a person reads them: "epoch 3/20, loss 0.4100, Dice WT 0.83 TC 0.71, 12.5 s/epoch"."""
    return ", ".join(_format_field(name, value) for name, value in fields.items() if value is not None)


def format_seconds(seconds: float) -> str:
    """A length of time in its two largest units: "45 s", "12 min 5 s", "3 h 20 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _format_field(name: str, value: Any) -> str:
    if name == "dice":
        return "Dice " + " ".join(f"{label} {_score(score)}" for label, score in value.items())
    if name in FIELDS:
        return FIELDS[name].format(value)
    return f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"


def _score(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"
