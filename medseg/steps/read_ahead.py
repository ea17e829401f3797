"""Read the first study while the program is still being loaded."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from medseg.core.machine import free_memory_bytes
from medseg.core.types import Shape
from medseg.steps.job_grid import grid_of
from medseg.steps.jobs import Scan, Worklist

_MOST = 0.25  # of the memory that is free; whether more may be taken is decided later


def with_first_read_ahead(worklist: Worklist, channels: int) -> Worklist:
    """The same list, its first study already being read in a thread; whatever fails there fails where it is read.

    Args:
        worklist: The studies.
        channels: Of each.

    Returns:
        The list as it was where the first study is large, or no header says what it is.
    """
    grid = grid_of(worklist.jobs[0]) if worklist.jobs else None
    if grid is None or 4 * channels * math.prod(grid.shape) > _MOST * free_memory_bytes():
        return worklist
    first, *others = worklist.jobs
    return replace(worklist, jobs=(replace(first, read=_Once(first.read)), *others))


def wait_for_first(worklist: Worklist) -> Shape | None:
    """Shape of the scan that was read ahead, once it is; None if there is none, or it could not be read."""
    read = worklist.jobs[0].read if worklist.jobs else None
    return read.wait() if isinstance(read, _Once) else None


class _Once:
    """Gives what is read ahead, and lets go of it; reads anew when asked again."""

    def __init__(self, read: Callable[[], Scan]) -> None:
        self._read = read
        with_one_thread = ThreadPoolExecutor(1, "read-ahead")
        self._ahead: Future[Scan] | None = with_one_thread.submit(read)
        with_one_thread.shutdown(wait=False)

    def wait(self) -> Shape | None:
        """Shape of what is read ahead, once it is."""
        if self._ahead is None or self._ahead.exception() is not None:
            return None
        return self._ahead.result().volume.shape

    def __call__(self) -> Scan:
        ahead, self._ahead = self._ahead, None
        return self._read() if ahead is None else ahead.result()
