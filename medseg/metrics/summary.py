"""One score of many studies: mean, median, and how sure one may be of both."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from medseg.core.errors import DatalistError
from medseg.core.files import without_nan
from medseg.metrics.bootstrap import Method, mean_interval
from medseg.metrics.policy import State

_NAN = math.nan


@dataclass(frozen=True)
class Summary:
    """A score over studies.

    Attributes:
        mean: Mean over the scored studies; nan if there is none.
        low: Lower end of the 95 % interval of the mean; nan below four patients.
        high: Upper end of it.
        n: Scored studies, failures among them.
        not_scored: Studies left out because they had nothing to score.
        interval: How the interval was made: "bca", "percentile", or "none".
        median: Median over the scored studies.
        median_low: Lower end of the interval of the median, which covers 95 % or more; nan below six studies.
        median_high: Upper end of it.
        iqr: First and third quartile.
        failed: Studies without a usable prediction, scored as missed.
        patients: Patients among the scored studies; the interval of the mean draws these.
    """

    mean: float
    low: float
    high: float
    n: int
    not_scored: int
    interval: Method = "none"
    median: float = _NAN
    median_low: float = _NAN
    median_high: float = _NAN
    iqr: tuple[float, float] = (_NAN, _NAN)
    failed: int = 0
    patients: int = 0

    def record(self) -> dict[str, float | int | None]:
        """Mean, interval and number of scored studies as JSON takes them."""
        return {**without_nan({"mean": self.mean, "low": self.low, "high": self.high}), "n": self.n}


@dataclass(frozen=True)
class Summarised:
    """One metric of one label or region over all studies.

    Attributes:
        whole: Every scored study, penalties in place: of a distance, the worst value where a mask is absent or the
            prediction failed.
        both_exist: Of a distance, only studies where both masks hold something: alone it hides what was missed.
            None for other metrics.
    """

    whole: Summary
    both_exist: Summary | None = None


def summarise(values: Iterable[float], *, seed: int, patients: Sequence[str] | None = None, failed: int = 0) -> Summary:
    """Mean with bootstrap interval over patients, median with order-statistic interval, quartiles.

    Args:
        values: One score a study; nan where the study was not scored.
        seed: The same values and seed give the same interval.
        patients: Whose study each is; None where each study is another patient.
        failed: How many of the studies failed and were scored as missed.

    Raises:
        DatalistError: There are not as many patients as values.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 13 and 14.
    """
    every = np.asarray(list(values), dtype=np.float64)
    kept = ~np.isnan(every)
    whose = None if patients is None else _patients_of(kept, patients)
    left_out = int(every.size - np.count_nonzero(kept))
    if left_out == every.size:
        return Summary(_NAN, _NAN, _NAN, 0, left_out, failed=failed)
    return replace(_summary_of(every[kept], seed, whose), not_scored=left_out, failed=failed)


def summarise_distances(
    values: Sequence[float], states: Sequence[State], *, seed: int, patients: Sequence[str] | None = None
) -> Summarised:
    """A distance with the penalty for what is absent, and without.

    Args:
        values: Millimetres a study, penalties in place (``medseg.metrics.policy.penalised``); nan where not scored.
        states: What the masks of each study held.
        seed: Of the bootstrap.
        patients: Whose study each is; None where each study is another patient.

    Raises:
        DatalistError: There are not as many states or patients as values.
    """
    if len(states) != len(values):
        raise DatalistError(f"{len(values)} distances are given with {len(states)} states; each study needs one.")
    alone = [value if state == "scored" else _NAN for value, state in zip(values, states, strict=True)]
    return Summarised(
        whole=summarise(values, seed=seed, patients=patients, failed=sum(s == "missing" for s in states)),
        both_exist=summarise(alone, seed=seed, patients=patients),
    )


def median_interval(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The two order statistics between which the median lies with 95 % confidence or more.

    The k-th smallest and the k-th largest value, with the largest k whose binomial tail allows it. Nothing
    is assumed of how values are distributed, only that studies are independent.

    Args:
        values: One a study, none nan.

    Returns:
        Lower and upper end; (nan, nan) below six studies, where even smallest and largest cover less.

    Source: Conover, Practical Nonparametric Statistics (1999), section 3.2.
    """
    ordered, n = np.sort(values), int(values.size)
    # In whole numbers: of the 2**n ways to fall left or right of the median, 2.5 % may lie in each tail.
    allowed, ways, tail, k = 2**n // 40, 1, 1, 0
    while tail <= allowed:
        k += 1
        ways = ways * (n - k + 1) // k
        tail += ways
    return (float(ordered[k - 1]), float(ordered[n - k])) if k else (_NAN, _NAN)


def _patients_of(kept: npt.NDArray[np.bool_], patients: Sequence[str]) -> list[str]:
    if len(patients) != kept.size:
        raise DatalistError(f"{kept.size} scores are given with {len(patients)} patients; each study needs one.")
    return [patient for patient, keep in zip(patients, kept, strict=True) if keep]


def _summary_of(scored: npt.NDArray[np.float64], seed: int, patients: Sequence[str] | None) -> Summary:
    """Of one score or more, none of them nan."""
    interval = mean_interval(scored, seed=seed, patients=patients)
    median_low, median_high = median_interval(scored)
    return Summary(
        mean=float(scored.mean()),
        low=interval.low,
        high=interval.high,
        n=int(scored.size),
        not_scored=0,
        interval=interval.method,
        median=_quantile(scored, 0.5),
        median_low=median_low,
        median_high=median_high,
        iqr=(_quantile(scored, 0.25), _quantile(scored, 0.75)),
        patients=len(set(patients)) if patients is not None else int(scored.size),
    )


def _quantile(values: npt.NDArray[np.float64], share: float) -> float:
    with np.errstate(invalid="ignore"):
        between = float(np.quantile(values, share))
    # Between two endless distances nothing can be interpolated.
    return float(np.quantile(values, share, method="higher")) if math.isnan(between) else between
