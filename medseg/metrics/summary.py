"""One score of many studies as a mean with its interval."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 5000  # the ends of a 95 % interval then move by less than 1 % of its width between seeds
MIN_STUDIES = 2  # one study says nothing about how studies differ
_BLOCK_VALUES = 1 << 22  # values drawn at once: 32 MiB, however many studies there are


@dataclass(frozen=True)
class Summary:
    """A score over studies.

    Attributes:
        mean: Mean over the scored studies; nan if there is none.
        low: Lower end of the 95 % interval; nan below two studies.
        high: Upper end of it.
        n: Scored studies.
        not_scored: Studies left out because they had nothing to score.
    """

    mean: float
    low: float
    high: float
    n: int
    not_scored: int


def summarise(values: Iterable[float], *, seed: int) -> Summary:
    """Mean and percentile bootstrap interval over studies.

    Args:
        values: One score a study; nan where the study was not scored.
        seed: The same values and seed give the same interval.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """
    every = np.asarray(list(values), dtype=np.float64)
    scored = every[~np.isnan(every)]
    left_out = int(every.size - scored.size)
    if scored.size < MIN_STUDIES:
        mean = float(scored[0]) if scored.size else math.nan
        return Summary(mean, math.nan, math.nan, int(scored.size), left_out)
    low, high = _interval(scored, np.random.default_rng(seed))
    return Summary(float(scored.mean()), low, high, int(scored.size), left_out)


def _interval(scored: np.ndarray[tuple[int], np.dtype[np.float64]], rng: np.random.Generator) -> tuple[float, float]:
    rows = max(1, _BLOCK_VALUES // scored.size)
    means = np.concatenate(
        [
            scored[rng.integers(scored.size, size=(min(rows, RESAMPLES - done), scored.size))].mean(axis=1)
            for done in range(0, RESAMPLES, rows)
        ]
    )
    tail = (1.0 - CONFIDENCE) / 2.0
    # Takes values as they are: interpolating between infinite distances gives nan.
    low, high = np.quantile(means, [tail, 1.0 - tail], method="inverted_cdf")
    return float(low), float(high)
