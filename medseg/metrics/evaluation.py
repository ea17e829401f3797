"""All studies of an evaluation together: the scores of a metric over studies, and their summary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from medseg.metrics.metric import METRICS
from medseg.metrics.policy import MetricPolicy
from medseg.metrics.scores import StudyScores
from medseg.metrics.summary import Summarised, summarise, summarise_distances


@dataclass(frozen=True)
class Evaluation:
    """What was measured.

    Attributes:
        policy: By which rules.
        names: Regions, then labels, in the order of tables.
        studies: In the order of their ids.
        seed: Of the bootstrap.
    """

    policy: MetricPolicy
    names: tuple[str, ...]
    studies: tuple[StudyScores, ...]
    seed: int = 0

    def values(self, name: str, metric: str) -> dict[str, float]:
        """Study to score; nan where not scored."""
        return {one.study: one.labels[name].values[metric] for one in self.studies}

    @property
    def patients(self) -> dict[str, str]:
        """Study to patient."""
        return {one.study: one.patient for one in self.studies}

    @property
    def failed(self) -> tuple[StudyScores, ...]:
        """Studies without a usable prediction."""
        return tuple(one for one in self.studies if one.failure)

    @cached_property
    def summaries(self) -> Mapping[str, Mapping[str, Summarised]]:
        """Label or region, then metric, to its summary; the bootstrap runs once."""
        return {name: {metric: self._summary(name, metric) for metric in METRICS} for name in self.names}

    def _summary(self, name: str, metric: str) -> Summarised:
        values, whose = list(self.values(name, metric).values()), list(self.patients.values())
        if METRICS[metric].kind == "distance":
            states = [one.labels[name].state for one in self.studies]
            return summarise_distances(values, states, seed=self.seed, patients=whose)
        return Summarised(summarise(values, seed=self.seed, patients=whose, failed=len(self.failed)))
