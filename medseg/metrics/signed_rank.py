"""Whether paired differences lean to one side: Wilcoxon's signed-rank test, its effect size, and Holm's correction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

# Up to here all 2**n signs are weighed, ties included; the normal curve is then within 0.001.
EXACT_UP_TO = 200
_DECIMALS = 12  # 0.9 - 0.8 and 0.8 - 0.7 are one and the same difference

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SignedRank:
    """Outcome of a signed-rank test.

    Attributes:
        positive: Sum of the ranks of positive differences.
        negative: Sum of the ranks of negative ones.
        n: Differences other than 0.
        p: Two-sided; 1 where no difference is other than 0.
        effect: Matched-pairs rank-biserial correlation, from -1 (all negative) to 1; 0 where there is nothing.
    """

    positive: float
    negative: float
    n: int
    p: float
    effect: float


def signed_rank(differences: Sequence[float] | _Floats) -> SignedRank:
    """Wilcoxon's signed-rank test, two-sided.

    Differences of 0 are left out, equal ones share their mean rank. The p-value is exact, ties included, up to
    ``EXACT_UP_TO`` differences; above, it is the normal approximation corrected for ties.

    Args:
        differences: One a patient, none nan.

    Source: Wilcoxon (1945); exact with ties as in Hollander, Wolfe and Chicken, Nonparametric Statistical
        Methods (2014), section 3.1; rank-biserial correlation by Kerby (2014).
    """
    rounded = np.round(np.asarray(differences, dtype=np.float64), _DECIMALS)
    rounded = rounded[rounded != 0.0]
    if not rounded.size:
        return SignedRank(0.0, 0.0, 0, 1.0, 0.0)
    ranks = _mean_ranks(np.abs(rounded))
    positive, negative = float(ranks[rounded > 0].sum()), float(ranks[rounded < 0].sum())
    smaller = min(positive, negative)
    p = _exact_p(ranks, smaller) if rounded.size <= EXACT_UP_TO else _normal_p(ranks, smaller)
    return SignedRank(positive, negative, int(rounded.size), p, (positive - negative) / (positive + negative))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values so that the chance of even one false difference among all stays below the level.

    Returns:
        In the order given, none above 1.

    Source: Holm, A simple sequentially rejective multiple test procedure (1979).
    """
    adjusted, largest = [1.0] * len(p_values), 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        largest = max(largest, min(1.0, p_values[index] * (len(p_values) - place)))
        adjusted[index] = largest
    return adjusted


def _mean_ranks(sizes: _Floats) -> _Floats:
    _, index, counts = np.unique(sizes, return_inverse=True, return_counts=True)
    ranks: _Floats = (np.cumsum(counts) - (counts - 1) / 2.0)[index]
    return ranks


def _exact_p(ranks: _Floats, smaller: float) -> float:
    steps = np.rint(2.0 * ranks).astype(np.int64)  # mean ranks are whole or half numbers
    chance = np.zeros(int(steps.sum()) + 1)
    chance[0] = 1.0
    for step in steps:
        moved = np.zeros_like(chance)
        moved[step:] = chance[:-step]
        chance = 0.5 * (chance + moved)
    return min(1.0, 2.0 * float(chance[: round(2.0 * smaller) + 1].sum()))


def _normal_p(ranks: _Floats, smaller: float) -> float:
    # The mean ranks hold the ties already: the variance of their signed sum is a quarter of the sum of squares.
    spread = math.sqrt(float((ranks**2).sum()) / 4.0)
    z = (smaller + 0.5 - float(ranks.sum()) / 2.0) / spread  # half a step, since sums are whole numbers
    return min(1.0, 2.0 * NormalDist().cdf(z))
