"""What a search tries next: every point, points drawn by chance, or points near those that scored well.

A proposal follows from the seed, the number of the trial and what was tried before; nothing else is kept. So a
resumed search goes on as if it had never stopped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from medseg.core.errors import ConfigError, UsageError
from medseg.core.extras import require
from medseg.core.random import generator_for
from medseg.recipe.space import Choices, Dimension, Space, Span, Values

if TYPE_CHECKING:
    import optuna

Search = Literal["grid", "random", "optuna"]
SEARCHES: tuple[Search, ...] = ("grid", "random", "optuna")
# Draws for one proposal: a small space may have few points left that were not tried, or none.
DRAWS = 1000
TPE_DRAWS = 20  # each builds a model of what was tried
# Trials before TPE models them; its default of 10 would leave a search of 10 trainings to chance alone.
STARTUP_TRIALS = 5
FAILED_DICE = 0.0  # what TPE is told of a trial that failed, so that it looks elsewhere


@dataclass(frozen=True)
class Tried:
    """A trial as a search sees it.

    Attributes:
        values: Dotted key to value.
        dice: Its score; None where it failed.
    """

    values: Values
    dice: float | None


def check_search(space: Space, search: Search, *, trials: int | None, own: Values | None) -> int:
    """Number of trainings, if the search can be made in the space.

    Args:
        space: What may be tried.
        search: How.
        trials: Trainings in all; None for every point of a grid.
        own: The bundle's own values, which trial 0 is trained with; None where that is left out.

    Raises:
        ConfigError: A grid has a range without steps.
        UsageError: The grid has more points than trials, a number of trials is missing, or Optuna is absent.
    """
    if search == "grid" and space.spans:
        listed = ", ".join(space.spans)
        raise ConfigError(
            f"--search grid: {listed} may be any number of a range. Give step or values, or search otherwise."
        )
    if search == "optuna":
        require("--search optuna", "tune")
    if search != "grid":
        if trials is None:
            raise UsageError(f"--search {search} has no end of its own; give --trials N")
        return trials
    count = (space.size or 0) + (own is not None and not space.holds(own))
    if trials is not None and count > trials:
        among = "" if own is None else ", the bundle's own recipe among them"
        raise UsageError(
            f"--search grid: the space has {space.size} points, which makes {count} trainings{among}; "
            f"--trials {trials} is less. Give --trials {count} or fewer values, or search otherwise."
        )
    return count


def propose(space: Space, search: Search, tried: Sequence[Tried], *, seed: int) -> Values | None:
    """The point to try next; None where nothing new is found.

    Args:
        space: What may be tried.
        search: How: "grid" goes through all points, the last key changing fastest; "random" draws each by
            itself; "optuna" draws by TPE from what scored well.
        tried: All trials so far, in their order. None of them is proposed again.
        seed: The same seed and trials give the same proposal.
    """
    if search == "grid":
        return next((point for point in space.points() if _is_new(point, tried)), None)
    if search == "random":
        drawn = (_random(space, generator_for(seed, "tune", len(tried), n)) for n in range(DRAWS))
    else:
        study = _study(space, tried)
        drawn = (_by_tpe(space, study, generator_for(seed, "tune", len(tried), n)) for n in range(TPE_DRAWS))
    found = next((point for point in drawn if _is_new(point, tried)), None)
    return propose(space, "random", tried, seed=seed) if found is None and search == "optuna" else found


def _is_new(point: Values, tried: Sequence[Tried]) -> bool:
    return all(one.values != point for one in tried)


def _random(space: Space, rng: np.random.Generator) -> Values:
    return {key: _draw(one, rng) for key, one in space.dimensions.items()}


def _draw(one: Dimension, rng: np.random.Generator) -> Any:
    if isinstance(one, Choices):
        return one.values[int(rng.integers(len(one.values)))]
    if one.whole and not one.log:
        return int(rng.integers(int(one.low), int(one.high) + 1))
    # Half a number beyond each end, so that the ends of whole numbers are as likely as the rest.
    low, high = (one.low - 0.5, one.high + 0.5) if one.whole else (one.low, one.high)
    value = math.exp(rng.uniform(math.log(low), math.log(high))) if one.log else float(rng.uniform(low, high))
    value = round(value) if one.whole else _short(value)
    return type(one.low)(min(max(value, one.low), one.high))


def _short(value: float) -> float:
    """The value in four digits: what a person would write, and more than a training can tell apart."""
    return float(f"{value:.4g}")


def _study(space: Space, tried: Sequence[Tried]) -> optuna.Study:
    """A study with all trials that lie in the space."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize")
    known = [one for one in tried if space.holds(one.values)]
    for one in known:
        study.add_trial(
            optuna.trial.create_trial(
                params={key: _as_number(space.dimensions[key], one.values[key]) for key in space.dimensions},
                distributions=_distributions(space),
                value=FAILED_DICE if one.dice is None else one.dice,
            )
        )
    return study


def _by_tpe(space: Space, study: optuna.Study, rng: np.random.Generator) -> Values:
    import optuna

    study.sampler = optuna.samplers.TPESampler(seed=int(rng.integers(2**32)), n_startup_trials=STARTUP_TRIALS)
    trial = study.ask(_distributions(space))
    study.tell(trial, state=optuna.trial.TrialState.FAIL)  # closed: only trials with a score are learnt from
    return {key: _of_number(one, trial.params[key]) for key, one in space.dimensions.items()}


def _distributions(space: Space) -> dict[str, Any]:
    import optuna.distributions as of

    def kind(one: Dimension) -> Any:
        if isinstance(one, Span) and one.whole:
            return of.IntDistribution(int(one.low), int(one.high), log=one.log)
        if isinstance(one, Span):
            return of.FloatDistribution(one.low, one.high, log=one.log)
        last = len(one.values) - 1
        return of.IntDistribution(0, last) if one.ordered else of.CategoricalDistribution(tuple(range(last + 1)))

    return {key: kind(one) for key, one in space.dimensions.items()}


def _as_number(one: Dimension, value: Any) -> float:
    """A value as Optuna keeps it: of a list its place, since lists and words of a recipe have no order."""
    return one.values.index(value) if isinstance(one, Choices) else value


def _of_number(one: Dimension, number: Any) -> Any:
    if isinstance(one, Choices):
        return one.values[int(number)]
    return int(number) if one.whole else min(max(_short(float(number)), one.low), one.high)
