"""Acceptance: which value a mean must reach, and whether it did."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from medseg.core.errors import ConfigError, UsageError, raise_faults
from medseg.metrics.evaluation import Evaluation
from medseg.metrics.metric import METRICS

Side = Literal["min", "max"]
_WORDS = {"min": "at least", "max": "at most"}


@dataclass(frozen=True)
class Gate:
    """One demand on the mean over studies, penalties in place.

    Attributes:
        metric: Key of ``METRICS``.
        name: Label or region.
        side: "min" where the mean must be at least the limit, "max" where it must be at most.
        limit: In the unit of the metric.
    """

    metric: str
    name: str
    side: Side
    limit: float


@dataclass(frozen=True)
class GateResult:
    """A demand and what was measured.

    Attributes:
        gate: The demand.
        value: The mean; nan where nothing was scored, which meets no demand.
    """

    gate: Gate
    value: float

    @property
    def met(self) -> bool:
        """Whether the demand is met."""
        return self.value >= self.gate.limit if self.gate.side == "min" else self.value <= self.gate.limit

    @property
    def sentence(self) -> str:
        """What was demanded and found."""
        gate, unit = self.gate, METRICS[self.gate.metric].unit
        unit = unit and f" {unit}"
        found = "nothing was scored" if math.isnan(self.value) else f"{self.value:.4g}{unit}"
        demand = f"{_WORDS[gate.side]} {gate.limit:g}{unit} is demanded"
        return f"{METRICS[gate.metric].title} of {gate.name}: {found}; {demand}: {'met' if self.met else 'not met'}."


def gates_of(least: Mapping[str, str], most: Mapping[str, str], names: Sequence[str]) -> list[Gate]:
    """Gates as the command line gives them.

    Args:
        least: "dice.WT" to "0.85": the mean must be at least so much.
        most: "hd95_mm.WT" to "10": it must be at most so much.
        names: Labels and regions that are scored.

    Raises:
        UsageError: A metric or name is unknown, a number is none, or a limit is on the side that is no demand.
    """
    words: list[tuple[Side, str, str]] = [("min", *item) for item in least.items()]
    words += [("max", *item) for item in most.items()]
    faults = [fault for side, key, limit in words if (fault := _fault(side, key, limit, names))]
    raise_faults("Gates", faults, UsageError)
    return [_gate(side, key, limit) for side, key, limit in words]


def gates_of_thresholds(thresholds: Mapping[str, Mapping[str, float]], given: Sequence[Gate]) -> list[Gate]:
    """Gates as the file of a bundle or of labels states them: metric to label or region to the value it must reach.

    Args:
        thresholds: The least value where more is better, the most where less is.
        given: Gates of the command line, which win over these.

    Raises:
        ConfigError: A metric is unknown or has no better direction.
    """
    known = [key for key, metric in METRICS.items() if metric.better]
    faults = [
        f"thresholds.{key}: no metric of a gate; those are {', '.join(known)}" for key in thresholds.keys() - set(known)
    ]
    raise_faults("Thresholds", sorted(faults), ConfigError)
    taken = {(gate.metric, gate.name) for gate in given}
    return [
        Gate(metric, name, "min" if METRICS[metric].better == "higher" else "max", float(limit))
        for metric, row in thresholds.items()
        for name, limit in row.items()
        if (metric, name) not in taken
    ]


def check_gates(gates: Sequence[Gate], evaluation: Evaluation) -> tuple[GateResult, ...]:
    """What became of each demand."""
    return tuple(GateResult(gate, evaluation.summaries[gate.name][gate.metric].whole.mean) for gate in gates)


def _gate(side: Side, key: str, limit: str) -> Gate:
    metric, _, name = key.partition(".")
    return Gate(metric, name, side, float(limit))


def _fault(side: Side, key: str, limit: str, names: Sequence[str]) -> str | None:
    metric, _, name = key.partition(".")
    if metric not in METRICS:
        return f"--{side} {key}={limit}: no metric '{metric}'; known are {', '.join(METRICS)}"
    if name not in names:
        return f"--{side} {key}={limit}: '{name}' is not scored; scored are {', '.join(names)}"
    better = METRICS[metric].better
    if better is None:
        return f"--{side} {key}={limit}: neither more nor less of {metric} is better; it makes no gate"
    if (better == "higher") != (side == "min"):
        other = "max" if side == "min" else "min"
        return f"--{side} {key}={limit}: {better} {metric} is better; write --{other}"
    try:
        fits = math.isfinite(float(limit))
    except ValueError:
        fits = False
    return None if fits else f"--{side} {key}={limit}: '{limit}' is not a number"
