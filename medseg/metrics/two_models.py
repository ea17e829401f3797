"""Two models on the same studies: by how much they differ, and whether that can be told from chance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from medseg.metrics.bootstrap import Method, by_patient, mean_interval
from medseg.metrics.signed_rank import holm, signed_rank

SIGNIFICANCE = 0.05

Better = Literal["higher", "lower"]
Key = tuple[str, str]  # label or region, metric


@dataclass(frozen=True)
class Difference:
    """One metric of one label under two models: first minus second, study by study.

    Attributes:
        label: Label or region.
        metric: As in the tables.
        mean: Mean difference over studies; nan if no study has both.
        low: Lower end of the 95 % interval of the mean, by bootstrap over patients; nan below four.
        high: Upper end of it.
        interval: How it was made.
        n: Patients with a score from both.
        left_out: Studies with a score from one of them only, or not scored in either.
        p: Wilcoxon signed-rank test, two-sided.
        p_holm: Corrected for all rows that were made together.
        effect: Matched-pairs rank-biserial correlation, 1 where the first is larger in every patient.
    """

    label: str
    metric: str
    mean: float
    low: float
    high: float
    interval: Method
    n: int
    left_out: int
    p: float
    p_holm: float
    effect: float

    @property
    def told_apart(self) -> bool:
        """Whether the corrected test is below 0.05 and the interval lies on the same side of 0 as the ranks."""
        if not self.p_holm < SIGNIFICANCE:
            return False
        return self.low > 0.0 if self.effect > 0.0 else self.high < 0.0

    def sentence(self, first: str, second: str, *, better: Better, unit: str = "", title: str = "") -> str:
        """What the row says, in words.

        Args:
            first: Name of the first model.
            second: Name of the second.
            better: Whether a higher or a lower value of the metric is the better one.
            unit: Of the metric, for example "mm".
            title: What the metric is called; empty takes its key.
        """
        what = f"{title or self.metric} of {self.label}: "
        if not self.told_apart:
            return f"{what}{first} and {second} cannot be told apart with n = {self.n}{self._figures(unit)}."
        wins = (self.mean > 0.0) == (better == "higher")
        return f"{what}{first} is {'better' if wins else 'worse'} than {second}{self._figures(unit)}, n = {self.n}."

    def _figures(self, unit: str) -> str:
        if math.isnan(self.mean):
            return ""
        text = f" (mean difference {_signed(self.mean)}{unit and ' ' + unit}"
        if not math.isnan(self.low):
            text += f", 95 % interval {_signed(self.low)} to {_signed(self.high)}"
        return f"{text}, corrected p {_shown(self.p_holm)})"


def compare(
    first: Mapping[Key, Mapping[str, float]],
    second: Mapping[Key, Mapping[str, float]],
    *,
    seed: int,
    patients: Mapping[str, str] | None = None,
) -> list[Difference]:
    """Compare two evaluations row by row, with Holm's correction over all rows.

    Args:
        first: Label and metric to the score of each study, penalties in place; nan where not scored.
        second: The same of the other model. Rows that only one of them has are left out:
            ``rows_of_one_side`` names them.
        seed: Of the bootstrap.
        patients: Study to patient; None where each study is another patient. The test and the interval take
            patients as what is independent.
    """
    rows = [_difference(key, first[key], second[key], seed, patients) for key in first if key in second]
    # A row without a single pair was no test, and costs the others nothing.
    tested = [place for place, row in enumerate(rows) if row.n]
    for place, p_holm in zip(tested, holm([rows[place].p for place in tested]), strict=True):
        rows[place] = replace(rows[place], p_holm=p_holm)
    return rows


def rows_of_one_side(first: Mapping[Key, Mapping[str, float]], second: Mapping[Key, Mapping[str, float]]) -> list[Key]:
    """Rows that ``compare`` leaves out, since only one evaluation has them: those of the first, then of the second."""
    return [key for key in first if key not in second] + [key for key in second if key not in first]


def _difference(
    key: Key, first: Mapping[str, float], second: Mapping[str, float], seed: int, patients: Mapping[str, str] | None
) -> Difference:
    kept = _paired(first, second)
    left_out = len(first.keys() | second.keys()) - len(kept)
    if not kept:
        return Difference(*key, *(math.nan,) * 3, "none", 0, left_out, *(math.nan,) * 3)
    differences = np.array(list(kept.values()), dtype=np.float64)
    whose = None if patients is None else [patients.get(study, study) for study in kept]
    found = mean_interval(differences, seed=seed, patients=whose)
    sums, counts = by_patient(differences, whose)
    test = signed_rank(sums / counts)
    mean, low, high, how = float(differences.mean()), found.low, found.high, found.method
    return Difference(*key, mean, low, high, how, int(sums.size), left_out, test.p, math.nan, test.effect)


def _paired(first: Mapping[str, float], second: Mapping[str, float]) -> dict[str, float]:
    """First less second, of each study that both scored."""
    both = {study: first[study] - second[study] for study in sorted(first.keys() & second.keys())}
    return {study: difference for study, difference in both.items() if not math.isnan(difference)}


def _signed(value: float) -> str:
    return f"{value:+.3g}"


def _shown(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
