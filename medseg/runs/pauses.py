"""When to try again what failed: after growing pauses."""

from __future__ import annotations

import time
from collections.abc import Callable

FIRST_PAUSE_S = 60.0
LONGEST_PAUSE_S = 16 * 60.0  # a server that comes back is found again within a quarter of an hour


class Pauses:
    """Pauses of 1, 2, 4, 8 and then always 16 minutes.

    Args:
        clock: Seconds from any start.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = -float("inf")
        self._pause_s = FIRST_PAUSE_S

    @property
    def due(self) -> bool:
        """Whether to try now."""
        return self._clock() >= self._next

    def failed(self) -> None:
        """The try failed: wait, and longer the next time."""
        self._next = self._clock() + self._pause_s
        self._pause_s = min(2.0 * self._pause_s, LONGEST_PAUSE_S)

    def succeeded(self) -> None:
        """The try went well: the next failure waits the first pause again."""
        self._next = -float("inf")
        self._pause_s = FIRST_PAUSE_S
