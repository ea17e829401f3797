"""What a search found, and how sure one may be that it is better than the bundle's own recipe."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from medseg.engine.scoring import mean_scored
from medseg.metrics.two_models import Difference, compare
from medseg.runs.config_file import format_value
from medseg.runs.folder import RunFolder
from medseg.runs.table import format_table, write_csv
from medseg.steps.tuning_trial import FINISHED, Trial, read_scores

_KEY = ("all", "dice")


@dataclass(frozen=True)
class Found:
    """The trials of a search.

    Attributes:
        trials: All that ended, in their order.
        baseline: The bundle's own recipe; None where it was left out or failed.
        best: With the highest Dice, the earliest of equals; None where all failed.
        gains: Trial number to its Dice less that of the baseline, patient by patient; empty without a baseline.
        patients: Number of validation patients.
    """

    trials: tuple[Trial, ...]
    baseline: Trial | None
    best: Trial | None
    gains: Mapping[int, Difference]
    patients: int

    @property
    def failed(self) -> list[Trial]:
        """Trials that failed."""
        return [trial for trial in self.trials if trial.outcome != FINISHED]

    @property
    def gain(self) -> Difference | None:
        """Of the best over the bundle's own recipe; None where there is no such comparison."""
        return None if self.best is None or self.best is self.baseline else self.gains.get(self.best.number)

    def table(self) -> str:
        """One row a trial, for a terminal: its values, Dice, and what that gains over the bundle's own recipe."""
        headers = ["trial", *self._keys, "Dice", "gain", "95 % interval", "seconds"]
        rows = [
            [trial.number, *self._values(trial), *self._shown(trial), f"{trial.seconds:.0f}"] for trial in self.trials
        ]
        return format_table(headers, rows)

    def write_csv(self, path: Path) -> None:
        """Write one row a trial, numbers in full.

        Raises:
            OutputError: The file cannot be written.
        """
        headers = ["trial", *self._keys, "dice", "gain", "gain_low", "gain_high", "seconds", "outcome", "reason"]
        rows = [
            [one.number, *self._values(one), one.dice, *self._gain_of(one), one.seconds, one.outcome, one.reason]
            for one in self.trials
        ]
        write_csv(path, headers, rows)

    @property
    def _keys(self) -> list[str]:
        return list(self.trials[0].values) if self.trials else []

    def _values(self, trial: Trial) -> list[str]:
        return [format_value(trial.values[key]) for key in self._keys]

    def _gain_of(self, trial: Trial) -> tuple[float, float, float]:
        gain = self.gains.get(trial.number)
        return (math.nan,) * 3 if gain is None else (gain.mean, gain.low, gain.high)

    def _shown(self, trial: Trial) -> list[str]:
        mean, low, high = (f"{value:+.4f}" if value == value else "-" for value in self._gain_of(trial))
        return [
            trial.outcome if trial.dice is None else f"{trial.dice:.4f}",
            "own" if trial is self.baseline else mean,
            "-" if low == "-" else f"{low} to {high}",
        ]

    def failures(self) -> list[str]:
        """A sentence for each trial that failed."""
        return [f"Trial {trial.number} failed: {trial.reason}" for trial in self.failed]

    def sentences(self) -> list[str]:
        """What was found, in words, and what may be said of it; nothing where all trials failed."""
        if self.best is None:
            return []
        what = "trial 0, the bundle's own recipe" if self.best is self.baseline else f"trial {self.best.number}"
        patients = _count(self.patients, "validation patient")
        return [f"Best: {what}, validation Dice {self.best.dice:.4f} ({patients}).", *self._doubts()]

    def _doubts(self) -> list[str]:
        if self.best is self.baseline:
            return ["No trial was better than the bundle's own recipe."]
        if self.gain is None:
            return ["The bundle's own recipe was not measured: by how much this is better is not known."]
        luck = f"It is the best of {len(self.trials)} on these very patients, so some of its lead is luck."
        return [difference_line(self.gain), luck]


def difference_line(gain: Difference) -> str:
    """Mean difference to the bundle's own recipe with its interval, and whether that holds 0."""
    text = f"Better than the bundle's own recipe by {gain.mean:+.4f}"
    patients = _count(gain.n, "patient")
    if math.isnan(gain.low):
        return f"{text}; {patients} are too few for an interval, so this may be chance."
    text += f", 95 % interval {gain.low:+.4f} to {gain.high:+.4f}"
    if gain.low <= 0.0 <= gain.high:
        return f"{text}. It holds 0: with {patients} the two cannot be told apart."
    return f"{text}, which does not hold 0 ({patients})."


def found_in(root: Path, trials: Sequence[Trial], *, baseline: bool, patients: Mapping[str, str], seed: int) -> Found:
    """What the trials of a search show together.

    Args:
        root: Folder of the search; the trials' validation.csv are read.
        trials: Those that ended.
        baseline: Whether trial 0 is the bundle's own recipe.
        patients: Validation study to patient.
        seed: Of the bootstrap.

    Raises:
        FileError: Scores of a trial cannot be read.
    """
    finished = [trial for trial in trials if trial.outcome == FINISHED]
    own = next((trial for trial in finished if baseline and trial.number == 0), None)
    best = max(finished, key=lambda trial: trial.dice or 0.0, default=None)  # max keeps the first of equals
    gains: dict[int, Difference] = {}
    if own is not None:
        each = {trial.number: _per_study(root, trial) for trial in finished}
        for number, scores in each.items():
            if number != own.number:
                gains[number] = compare({_KEY: scores}, {_KEY: each[own.number]}, seed=seed, patients=patients)[0]
    return Found(tuple(trials), own, best, gains, len(set(patients.values())))


def _per_study(root: Path, trial: Trial) -> dict[str, float]:
    scores = read_scores(RunFolder(root / trial.name))
    return {study: mean_scored(list(dice.values())) for study, dice in scores.items()}


def _count(number: int, name: str) -> str:
    return f"{number} {name}{'' if number == 1 else 's'}"
