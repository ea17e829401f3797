"""Study after study: while the networks see one, the next is read and the one before is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from medseg.steps.jobs import Job, Outcome
from medseg.steps.segmenter import Segmenter


def outcomes_of(jobs: Sequence[Job], segmenter: Segmenter, *, beside: bool) -> Iterator[Outcome]:
    """Outcomes of studies, in order.

    Args:
        jobs: The studies.
        segmenter: Its three steps.
        beside: Whether a study is read and another written while one is seen: three are in memory then, not one.

    Raises:
        OutputError: The disk does not take the output.
    """
    if not beside or len(jobs) < 2:
        yield from map(segmenter.outcome, jobs)
        return
    with ThreadPoolExecutor(1, "read") as reader, ThreadPoolExecutor(1, "write") as writer:
        ahead = reader.submit(segmenter.read, jobs[0])
        behind: Future[Outcome] | None = None
        for following in (*jobs[1:], None):
            reading = ahead.result()
            if following is not None:
                ahead = reader.submit(segmenter.read, following)
            look = segmenter.look(reading)
            del reading
            if behind is not None:
                yield behind.result()
            behind = writer.submit(segmenter.write, look)
            del look
        assert behind is not None
        yield behind.result()
