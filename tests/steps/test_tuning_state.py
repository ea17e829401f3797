"""How a search shares its budget."""

import time
from pathlib import Path
from typing import Any

import pytest

from medseg.recipe.space import parse_space
from medseg.runs.folder import RunFolder
from medseg.runs.tracker import NoTracker
from medseg.steps.request import TrainRequest
from medseg.steps.tuning_request import TuneRequest
from medseg.steps.tuning_state import Search
from medseg.steps.tuning_trial import Trial

SPACE = parse_space({"optimizer.lr": {"values": [0.1]}}, "Space")
NOTHING: Any = None  # bundle, recipe and data play no part here


def search(budget_min: float | None, *, ended: int, elapsed_min: float) -> Search:
    """Four trials, of which some ended, after so many minutes."""
    request = TuneRequest(TrainRequest("b", budget_min=budget_min), Path("space.yaml"), "random", 4)
    trials = [Trial(n, {}, "finished", 0.5) for n in range(ended)]
    began_s = time.monotonic() - elapsed_min * 60 / 2  # half of it in this sitting, half in one before
    run = RunFolder(Path("run"))
    return Search(request, NOTHING, NOTHING, SPACE, 4, NOTHING, run, trials, elapsed_min * 30, began_s, NoTracker())


@pytest.mark.parametrize(
    ("ended", "elapsed_min", "minutes"),
    [
        (0, 0.0, 10.0),  # a quarter of 40
        (1, 10.0, 10.0),
        (1, 16.0, 8.0),  # what is left is shared equally
        (2, 2.0, 10.0),  # never more than the first had, or later trials would learn for longer
        (3, 40.0, 0.0),
    ],
)
def test_a_trial_gets_an_equal_share_of_what_is_left(ended: int, elapsed_min: float, minutes: float) -> None:
    assert search(40.0, ended=ended, elapsed_min=elapsed_min).minutes() == pytest.approx(minutes, abs=0.01)


def test_without_a_budget_there_is_no_share() -> None:
    assert search(None, ended=0, elapsed_min=0.0).minutes() is None
