"""What a user asks of a search, and the request of each training that follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from medseg.core.errors import UsageError, raise_faults
from medseg.recipe.space import Space, Values
from medseg.runs.config_file import format_value
from medseg.steps.request import TrainRequest
from medseg.steps.tuning_search import Search

SPACE = "space.yaml"  # the copy in the search's folder


@dataclass(frozen=True)
class TuneRequest:
    """What to search, how, and how long.

    Attributes:
        training: What every trial shares: bundle, data, fold, device and so on; ``epochs`` of one trial,
            ``budget_min`` of the whole command.
        space: File of the search space.
        search: "grid", "random" or "optuna".
        trials: Trainings in all, the bundle's own recipe among them; None for every point of a grid.
        baseline: Whether trial 0 is the bundle's own recipe.
    """

    training: TrainRequest
    space: Path
    search: Search
    trials: int | None = None
    baseline: bool = True

    def as_dict(self) -> dict[str, Any]:
        """Plain values for run.json; paths absolute, so that a resume works from any folder."""
        return {
            "training": self.training.as_dict(),
            "space": str(self.space.absolute()),
            "search": self.search,
            "trials": self.trials,
            "baseline": self.baseline,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TuneRequest:
        """The request that ``as_dict`` wrote."""
        training = TrainRequest.from_dict(values["training"])
        return cls(training, Path(values["space"]), values["search"], values["trials"], values["baseline"])

    def of_all_trials(self) -> TrainRequest:
        """The request that the recipe of trial 0 follows from: without the budget, which is the command's."""
        return replace(self.training, budget_min=None)

    def of_trial(
        self, values: Values, *, name: str, recipe: Path, root: Path, minutes: float | None, parent: str | None
    ) -> TrainRequest:
        """The request of one trial.

        Args:
            values: What the trial changes.
            name: Of its run.
            recipe: File with the recipe of all trials.
            root: Folder of the search.
            minutes: Its share of the budget; None counts the recipe's epochs.
            parent: MLflow's id of the search.
        """
        return replace(
            self.training,
            name=name,
            config=(recipe,),
            settings=tuple(f"{key}={format_value(value)}" for key, value in values.items()),
            epochs=None if minutes is not None else self.training.epochs,
            budget_min=minutes,
            score_holdout=False,
            within=root,
            mlflow_parent=parent,
        )


def check_settings(request: TuneRequest, space: Space) -> None:
    """Refuse --set values that the search itself sets.

    Raises:
        UsageError: All of them at once.
    """
    keys = [text.partition("=")[0].strip() for text in request.training.settings]
    faults = [f"{key}: every trial gets the same length; give --budget or --epochs" for key in keys if _is_length(key)]
    faults += [
        f"{key}: the search space sets it too; take it out of one of them" for key in keys if key in space.dimensions
    ]
    raise_faults("--set", faults, UsageError)


def _is_length(key: str) -> bool:
    return key.startswith("length.")
