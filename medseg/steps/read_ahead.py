"""Read the first study while the program is still being loaded."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from medseg.steps.jobs import Scan, Worklist


def with_first_read_ahead(worklist: Worklist) -> Worklist:
    """The same list, its first study already being read in a thread; whatever fails there fails where it is read."""
    if not worklist.jobs:
        return worklist
    first, *others = worklist.jobs
    return replace(worklist, jobs=(replace(first, read=_Once(first.read)), *others))


class _Once:
    """Gives what is read ahead, and lets go of it; reads anew when asked again."""

    def __init__(self, read: Callable[[], Scan]) -> None:
        self._read = read
        with_one_thread = ThreadPoolExecutor(1, "read-ahead")
        self._ahead: Future[Scan] | None = with_one_thread.submit(read)
        with_one_thread.shutdown(wait=False)

    def __call__(self) -> Scan:
        ahead, self._ahead = self._ahead, None
        return self._read() if ahead is None else ahead.result()
