"""One trial of a search: a training that is scored on its validation studies and may fail."""

from __future__ import annotations

import csv
import gc
import logging
import math
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch

from medseg.bundle.read import Bundle
from medseg.core.errors import BundleError, ConfigError, FileError, TrainingError, UsageError
from medseg.engine.scoring import mean_scored
from medseg.engine.training import INTERRUPTED
from medseg.recipe.space import Values
from medseg.runs.folder import RunFolder
from medseg.runs.record import read_record
from medseg.steps.request import TrainRequest, resolve_recipe
from medseg.steps.session import check_task, train_task

LOG = logging.getLogger("medseg")
RUNNING, FINISHED, FAILED = "running", "finished", "failed"
REASON_LENGTH = 300  # characters of an error that are kept; torch's go on for pages
# What a recipe may do to a training: not fit the network, ask for a precision the device has not, diverge, take more
# memory than there is. A full disk or changed data is no fault of a recipe and ends the search.
FAULTS_OF_A_RECIPE = (ConfigError, BundleError, UsageError, TrainingError, RuntimeError, MemoryError)

Scores = Mapping[str, Mapping[str, float]]  # study id to Dice per scored name; nan where not scored


@dataclass(frozen=True)
class Trial:
    """A trial of a search.

    Attributes:
        number: Counted from 0; 0 is the bundle's own recipe unless the search left it out.
        values: Dotted key to the value it tried.
        outcome: "running", "finished" or "failed".
        dice: Mean validation Dice over the scored names, of the weights it kept; None where it failed.
        seconds: How long it took.
        reason: Why it failed.
    """

    number: int
    values: Values
    outcome: str = RUNNING
    dice: float | None = None
    seconds: float = 0.0
    reason: str | None = None

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"trial{self.number:03d}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values for run.json."""
        return asdict(self) | {"values": {key: _plain(value) for key, value in self.values.items()}}

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> Trial:
        """The trial that ``as_dict`` wrote."""
        values = {key: tuple(one) if isinstance(one, list) else one for key, one in written["values"].items()}
        known = {item.name for item in fields(cls)}
        return cls(**({key: value for key, value in written.items() if key in known} | {"values": values}))


def run_trial(trial: Trial, request: TrainRequest, bundle: Bundle, root: Path) -> Trial | None:
    """Train and score a trial, or go on with one that was interrupted.

    Args:
        trial: Its number and values.
        request: From ``TuneRequest.of_trial``; an interrupted trial keeps its own.
        bundle: What is trained.
        root: Folder of the search.

    Returns:
        The trial as it ended; None where a signal stopped it.

    Raises:
        MedsegError: What is wrong is no fault of the trial's recipe.
    """
    began_s, run = time.monotonic(), RunFolder(root / trial.name)
    former = _former(run)
    try:
        outcome = _train(former or request, bundle, run if former else None)
    except FAULTS_OF_A_RECIPE as error:
        ended = Trial(trial.number, trial.values, FAILED, None, _since(began_s), _reason(error))
    else:
        if outcome == INTERRUPTED:
            return None
        ended = _scored(trial, run, _since(began_s))
    _free_memory()
    return ended


def read_scores(run: RunFolder) -> dict[str, dict[str, float]]:
    """Study id to Dice per scored name, from the validation.csv of a trial.

    Raises:
        FileError: It cannot be read.
    """
    try:
        with run.validation.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        return {row.pop("study"): {key: float(cell or "nan") for key, cell in row.items()} for row in rows}
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise FileError(f"Cannot read '{run.validation}' ({error}). Remove the trial's folder and --resume.") from None


def mean_of(scores: Scores) -> float:
    """Mean over names of their means over studies, as a training chooses its best epoch by; nan for none."""
    names = list(dict.fromkeys(name for dice in scores.values() for name in dice))
    return mean_scored([mean_scored([dice[name] for dice in scores.values()]) for name in names])


def _train(request: TrainRequest, bundle: Bundle, resumed: RunFolder | None) -> str:
    began_s = time.monotonic()
    task = check_task(request, bundle, resolve_recipe(bundle, request), began_s=began_s, say=_silence)
    return train_task(task, resume=None if resumed is None else resumed.root, say=_silence).outcome


def _former(run: RunFolder) -> TrainRequest | None:
    """What an interrupted trial was asked; a folder that was left before it had a record is made anew."""
    if not run.record.is_file():
        if run.root.is_dir():
            shutil.rmtree(run.root)
        return None
    return TrainRequest.from_dict(read_record(run.record)["request"])


def _scored(trial: Trial, run: RunFolder, seconds: float) -> Trial:
    dice = mean_of(read_scores(run))
    if math.isnan(dice):
        reason = "no label is in any validation study, neither predicted nor in the reference; nothing can be scored"
        return Trial(trial.number, trial.values, FAILED, None, seconds, reason)
    return Trial(trial.number, trial.values, FINISHED, dice, seconds)


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= REASON_LENGTH else text[: REASON_LENGTH - 1] + "…"


def _free_memory() -> None:
    """Networks hold on to themselves in cycles; on a GPU the next trial would not fit beside the last."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _since(began_s: float) -> float:
    return round(time.monotonic() - began_s, 1)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _silence(_: str) -> None:
    pass
