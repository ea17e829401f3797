"""Score pair after pair, on all cores."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from medseg.core.errors import MedsegError
from medseg.core.files import digest_of_file
from medseg.core.machine import cores
from medseg.metrics.policy import MetricPolicy
from medseg.metrics.scores import StudyScores, score_failed, score_maps
from medseg.steps.label_classes import Labels
from medseg.steps.label_pairs import Pair
from medseg.steps.label_reading import LeftOut, read_pair
from medseg.steps.reference_digest import reference_digest

# A new process imports for about a second; for less work than this in all it is not worth starting.
_WORTH_A_PROCESS_S = 3.0


@dataclass(frozen=True)
class Scored:
    """What became of one pair.

    Attributes:
        scores: None where its reference cannot be used.
        left_out: Why not, in a sentence.
        prediction_digest: SHA-256 of the prediction's file; empty where there is none.
        reference_digest: Of the reference's.
    """

    scores: StudyScores | None
    left_out: str = ""
    prediction_digest: str = ""
    reference_digest: str = ""


def score_pairs(
    pairs: Sequence[Pair], labels: Labels, policy: MetricPolicy, *, workers: int | None, advance: Callable[[], None]
) -> list[Scored]:
    """Score pairs, in their order.

    The first are scored here; what is left goes to processes of their own where it is worth it.

    Args:
        pairs: What to score.
        labels: What is scored in them.
        policy: By which rules.
        workers: Processes; None takes the cores.
        advance: Called after each pair.

    Raises:
        MedsegError: A process was ended from outside, for want of memory for instance.
    """
    score = partial(score_pair, labels=labels, policy=policy)
    most = cores() if workers is None else workers
    scored: list[Scored] = []
    began_s = time.monotonic()
    while len(scored) < len(pairs):
        left = len(pairs) - len(scored)
        if most > 1 and scored and left * (time.monotonic() - began_s) / len(scored) > _WORTH_A_PROCESS_S:
            break
        scored.append(score(pairs[len(scored)]))
        advance()
    rest = pairs[len(scored) :]
    if rest:
        with processes(min(most, len(rest))) as pool:
            for one in pool.map(score, rest):
                scored.append(one)
                advance()
    return scored


def score_pair(pair: Pair, labels: Labels, policy: MetricPolicy) -> Scored:
    """Read and score one pair; a prediction that cannot be used is scored as missed."""
    maps = read_pair(pair, labels)
    if isinstance(maps, LeftOut):
        return Scored(None, maps.sentence)
    if maps.prediction is None:
        scores = score_failed(maps.reference, maps.affine_ras, labels.values, policy, image_mm=maps.image_mm)
    else:
        scores = score_maps(
            maps.prediction, maps.reference, maps.affine_ras, labels.values, policy, image_mm=maps.image_mm
        )
    return Scored(
        StudyScores(pair.study, pair.patient, scores, maps.failure, reference_digest(maps.reference, maps.affine_ras)),
        prediction_digest="" if pair.prediction is None else _digest(pair.prediction.path),
        reference_digest=_digest(pair.reference.path),
    )


def _digest(path: Path) -> str:
    """Of the file; empty where it went away or cannot be read, for which the study has its own words."""
    try:
        return digest_of_file(path)
    except OSError:
        return ""


@contextmanager
def processes(count: int) -> Iterator[ProcessPoolExecutor]:
    """Spawned, not forked: threads of a library that this process has used would not come along."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context, initializer=_leave_interrupts_to_parent) as pool:
        try:
            yield pool
        except BrokenProcessPool:
            raise MedsegError(
                f"One of {count} scoring processes was ended from outside, most likely for want of memory. "
                "Run again with --workers 1."
            ) from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _leave_interrupts_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
