"""How sure one may be of a mean: a 95 % interval by drawing patients again and again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from medseg.core.errors import DatalistError

CONFIDENCE = 0.95
RESAMPLES = 5000  # the ends of a 95 % interval then move by less than 1 % of its width between seeds
MIN_PATIENTS = 4  # of three, the smallest is drawn three times in 1 of 27: the interval would be their range
_BLOCK_VALUES = 1 << 22  # values drawn at once: 32 MiB, however many patients there are
_KEPT_VALUES = 1 << 24  # drawn values that are kept for the next score: 32 MiB, as those of up to 3355 patients are
_KEPT_DRAWS = 4  # scores of one evaluation come in few sets of patients: all, those with the label, with both masks
_TAKEN_ROWS = 64  # resamples whose values are looked up together: they then stay in the processor's cache
_ROUNDING = 1e-12  # relative; patients who differ by less are alike
_TAIL = (1.0 - CONFIDENCE) / 2.0
_NORMAL = NormalDist()

Method = Literal["bca", "percentile", "none"]
_Floats = npt.NDArray[np.float64]
_Drawn = npt.NDArray[np.integer[Any]]  # (resamples, patients) places of the patients that were drawn


@dataclass(frozen=True)
class Interval:
    """A 95 % interval.

    Attributes:
        low: Lower end; nan where there is no interval.
        high: Upper end.
        method: "bca" (bias-corrected and accelerated); "percentile" where BCa does not exist (all patients
            alike, an endless value, all resamples on one side of the mean); "none" below ``MIN_PATIENTS``.
    """

    low: float
    high: float
    method: Method


def mean_interval(values: _Floats, *, seed: int, patients: Sequence[str] | None = None) -> Interval:
    """Bootstrap interval of the mean over studies.

    Args:
        values: One a study, none of them nan.
        seed: The same values and seed give the same interval.
        patients: Whose study each is. A patient is drawn with all studies, so that two studies of one
            patient do not count as two patients. None where each study is another patient.

    Raises:
        DatalistError: There are not as many patients as values.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 13 and 14.
    """
    sums, counts = by_patient(values, patients)
    if sums.size < MIN_PATIENTS:
        return Interval(float("nan"), float("nan"), "none")
    means = np.sort(_resampled_sums(sums, seed) / _resampled_counts(counts.tobytes(), seed))
    tails = _bca_tails(means, sums, counts)
    # Takes values as they are: interpolating between endless distances gives nan.
    low, high = np.quantile(means, tails or (_TAIL, 1.0 - _TAIL), method="inverted_cdf")
    return Interval(float(low), float(high), "bca" if tails else "percentile")


def by_patient(values: _Floats, patients: Sequence[str] | None) -> tuple[_Floats, _Floats]:
    """Sum of the values and number of studies of each patient."""
    if patients is None:
        return values, np.ones(values.size)
    if len(patients) != values.size:
        raise DatalistError(f"{values.size} values are given with {len(patients)} patients; each study needs one.")
    _, index = np.unique(np.asarray(patients, dtype=np.str_), return_inverse=True)
    return np.bincount(index, weights=values).astype(np.float64), np.bincount(index).astype(np.float64)


def _resampled_sums(values: _Floats, seed: int) -> _Floats:
    """Sum over the patients of each resample."""
    kept = RESAMPLES * values.size <= _KEPT_VALUES
    blocks: Iterable[_Drawn] = _kept_draws(values.size, seed) if kept else _draws(values.size, seed)
    parts = (part for block in blocks for part in np.split(block, range(_TAKEN_ROWS, len(block), _TAKEN_ROWS)))
    return np.concatenate([values[part].sum(axis=1) for part in parts])


@lru_cache(maxsize=_KEPT_DRAWS)
def _resampled_counts(counts: bytes, seed: int) -> _Floats:
    """Studies in each resample, from those of each patient; bytes, for only these can be looked up."""
    return _resampled_sums(np.frombuffer(counts, dtype=np.float64), seed)


@lru_cache(maxsize=_KEPT_DRAWS)
def _kept_draws(patients: int, seed: int) -> tuple[_Drawn, ...]:
    """All draws: they follow from the number of patients and the seed alone, so that many scores can share them."""
    return tuple(block.astype(np.uint16) for block in _draws(patients, seed))


def _draws(patients: int, seed: int) -> Iterator[_Drawn]:
    rng = np.random.default_rng(seed)
    rows = max(1, _BLOCK_VALUES // patients)
    for done in range(0, RESAMPLES, rows):
        yield rng.integers(patients, size=(min(rows, RESAMPLES - done), patients))


def _bca_tails(means: _Floats, sums: _Floats, counts: _Floats) -> tuple[float, float] | None:
    """Which quantiles of the sorted means are the ends of the interval; None where BCa does not exist."""
    if not np.isfinite(means).all():
        return None
    without = (sums.sum() - sums) / (counts.sum() - counts)  # the mean if one patient were not there
    mean = sums.sum() / counts.sum()
    lack = without.mean() - without
    spread = float((lack**2).sum())
    if spread <= (_ROUNDING * np.abs(means).max()) ** 2 * sums.size:
        return None
    below = (np.searchsorted(means, mean, "left") + np.searchsorted(means, mean, "right")) / (2.0 * means.size)
    if not 0.0 < below < 1.0:
        return None
    bias = _NORMAL.inv_cdf(below)
    acceleration = float((lack**3).sum()) / (6.0 * spread**1.5)
    low, high = (_corrected(bias, acceleration, tail) for tail in (_TAIL, 1.0 - _TAIL))
    return (low, high) if low < high else None


def _corrected(bias: float, acceleration: float, tail: float) -> float:
    shifted = bias + _NORMAL.inv_cdf(tail)
    return _NORMAL.cdf(bias + shifted / (1.0 - acceleration * shifted))
