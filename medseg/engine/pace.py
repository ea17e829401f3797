"""How far a run is, and when it ends: after a number of steps, or when its time is up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

SMOOTHING = 0.05  # weight of the newest step in the running mean of seconds per step


class Pace(Protocol):
    """Says how far a run is."""

    @property
    def progress(self) -> float:
        """0 at the start, 1 at the end."""

    def advance(self) -> None:
        """One step was done."""

    @property
    def steps_left(self) -> int:
        """Steps still to do, as far as one knows."""

    def has_time_for(self, seconds: float) -> bool:
        """Whether something that takes so long, and is no step, delays nothing."""


@dataclass
class StepPace:
    """A run of a fixed number of steps.

    Attributes:
        total: Steps of the whole run.
        done: Steps done so far.
    """

    total: int
    done: int = 0

    @property
    def progress(self) -> float:
        """Share of the steps done."""
        return self.done / self.total

    def advance(self) -> None:
        """One step was done."""
        self.done += 1

    @property
    def steps_left(self) -> int:
        """Steps still to do."""
        return max(self.total - self.done, 0)

    def has_time_for(self, seconds: float) -> bool:
        """Always: steps are counted, not time."""
        return True


@dataclass
class BudgetPace:
    """A run that ends at a point in time.

    The probe's estimate sets the number of steps; the measured speed corrects it as the run goes,
    and each step advances by its share of what is left. So a machine that slows down gets fewer
    steps, and the schedule still reaches its end.

    Attributes:
        ends_at_s: When training must be over, on the clock's scale.
        step_s: Seconds per step, first from the probe, everything between two steps included.
        progress: 0 at the start, 1 at the end.
        clock: Source of time.
    """

    ends_at_s: float
    step_s: float
    progress: float = 0.0
    clock: Callable[[], float] = time.monotonic
    _last_s: float | None = field(default=None, repr=False)

    def advance(self) -> None:
        """One step was done; also learns its duration, validation and saving included."""
        now = self.clock()
        if self._last_s is not None:
            self.step_s += SMOOTHING * (now - self._last_s - self.step_s)
        self._last_s = now
        left = self.steps_left
        self.progress = 1.0 if left == 0 else self.progress + (1.0 - self.progress) / (left + 1)

    @property
    def steps_left(self) -> int:
        """Steps that fit into the time left at the measured speed."""
        return max(int((self.ends_at_s - self.clock()) / max(self.step_s, 1e-6)), 0)

    def has_time_for(self, seconds: float) -> bool:
        """Whether it would be over when the last step is due."""
        return self.clock() + seconds <= self.ends_at_s
