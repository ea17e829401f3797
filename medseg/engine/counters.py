"""Where a run is, and the time its epochs take."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass
class Counters:
    """Where a run is.

    Attributes:
        epoch: Epochs completed.
        step: Steps done of the next epoch.
        steps: Steps done in all.
        elapsed_s: Seconds of training and validation, over all resumes.
        train_s: Of these, the steps.
        wait_s: Of these again, waiting for data.
        best: Best mean validation Dice; -1 before the first.
        best_epoch: Epoch of it.
        stale: Validations since.
        is_opening: Whether the epoch under way takes the opening's patches.
    """

    epoch: int = 0
    step: int = 0
    steps: int = 0
    elapsed_s: float = 0.0
    train_s: float = 0.0
    wait_s: float = 0.0
    best: float = -1.0
    best_epoch: int = 0
    stale: int = 0
    is_opening: bool = False

    @property
    def wait_share(self) -> float:
        """Of the time of all steps, the part that waited for data."""
        return self.wait_s / max(self.train_s, 1e-9)


class Span:
    """The time an epoch takes, added to the run's counters as it goes."""

    def __init__(self, counters: Counters) -> None:
        self.counters, self.waited_s = counters, counters.wait_s
        self.began_s = self._noted_s = time.monotonic()
        self.train_s = self.total_s = self.wait_s = 0.0

    def note(self) -> None:
        """Count the steps' time up to now, so that a state saved in mid-epoch knows it."""
        now_s = time.monotonic()
        self.counters.train_s += now_s - self._noted_s
        self.counters.elapsed_s += now_s - self._noted_s
        self._noted_s = now_s

    def trained(self) -> None:
        """The steps are done; validation follows."""
        self.note()
        self.train_s = self._noted_s - self.began_s
        self.wait_s = self.counters.wait_s - self.waited_s

    def ended(self) -> None:
        """Validation is done too."""
        self.total_s = time.monotonic() - self.began_s
        self.counters.elapsed_s += self.total_s - self.train_s
