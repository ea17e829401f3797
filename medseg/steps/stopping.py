"""Turn Ctrl-C and SIGTERM into a wish to stop, so that the step in progress is finished and saved."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopWish:
    """Whether the user asked to stop; a second Ctrl-C stops at once."""

    def __init__(self) -> None:
        self.wanted = False

    def note(self, number: int, _: FrameType | None) -> None:
        """Take a signal."""
        if self.wanted and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.wanted = True


@contextmanager
def stop_on_signals() -> Iterator[StopWish]:
    """While open, signals set the wish instead of ending the process."""
    wish = StopWish()
    former: dict[signal.Signals, Any] = {number: signal.signal(number, wish.note) for number in _SIGNALS}
    try:
        yield wish
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
