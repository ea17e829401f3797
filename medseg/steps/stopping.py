"""Turn Ctrl-C and SIGTERM into a wish to stop, so that the step in progress is finished and saved."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopWish:
    """Whether the user asked to stop.

    Attributes:
        wanted: A signal came.
        patient: Whether someone looks at ``wanted`` soon; where not, a signal interrupts at once. A
            second Ctrl-C always does.
    """

    def __init__(self) -> None:
        self.wanted = False
        self.patient = False

    def note(self, number: int, _: FrameType | None) -> None:
        """Take a signal.

        Raises:
            KeyboardInterrupt: No one is looking, or the user is insistent.
        """
        insists = self.wanted and number == signal.SIGINT
        self.wanted = True
        if insists or not self.patient:
            raise KeyboardInterrupt


@contextmanager
def stop_on_signals() -> Iterator[StopWish]:
    """While open, Ctrl-C and SIGTERM go to the wish. Only the main thread may open it.

    Where one is open already, as around several trainings, it learns afterwards that a stop was wanted: a signal in the
    last moments of a training would otherwise be forgotten.
    """
    wish = StopWish()
    former: dict[signal.Signals, Any] = {number: signal.signal(number, wish.note) for number in _SIGNALS}
    try:
        yield wish
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
            outer = getattr(handler, "__self__", None)
            if isinstance(outer, StopWish):
                outer.wanted = outer.wanted or wish.wanted
