"""From a search to the request of one trial."""

import json
from pathlib import Path

import pytest

from medseg.core.errors import UsageError
from medseg.recipe.layers import parse_settings
from medseg.recipe.space import parse_space
from medseg.steps.request import TrainRequest
from medseg.steps.tuning_request import TuneRequest, check_settings

TRAINING = TrainRequest("b", data=Path("/data"), settings=("loss.dice=2",), epochs=7, budget_min=60.0, seed=3)
REQUEST = TuneRequest(TRAINING, Path("/space.yaml"), "optuna", 9, baseline=False)


def of_trial(minutes: float | None, **values: object) -> TrainRequest:
    named = {key.replace("__", "."): value for key, value in values.items()}
    root = Path("/runs/b/s")
    return REQUEST.of_trial(
        named, name="trial002", recipe=root / "config.yaml", root=root, minutes=minutes, parent="abc"
    )


def test_a_request_survives_the_record() -> None:
    assert TuneRequest.from_dict(json.loads(json.dumps(REQUEST.as_dict()))) == TuneRequest(
        TrainRequest.from_dict(TRAINING.as_dict()), Path("/space.yaml"), "optuna", 9, baseline=False
    )


def test_a_trial_leaves_the_hold_out_alone_and_lies_in_the_search() -> None:
    trial = of_trial(6.0)
    assert not trial.score_holdout
    assert trial.within == Path("/runs/b/s")
    assert trial.mlflow_parent == "abc"
    assert (trial.name, trial.seed, trial.fold) == ("trial002", 3, 0)
    assert trial.config == (Path("/runs/b/s/config.yaml"),)


def test_a_trial_has_its_share_or_its_epochs() -> None:
    assert (of_trial(6.0).budget_min, of_trial(6.0).epochs) == (6.0, None)
    assert (of_trial(None).budget_min, of_trial(None).epochs) == (None, 7)


def test_values_come_out_of_the_settings_as_they_went_in() -> None:
    values = {
        "optimizer.lr": 1e-05,
        "sampling.patch": (16, 24, 16),
        "loss.deep_supervision": (1.0, 1e-05),
        "loss.batch_dice": True,
        "engine.channels_last": "no",
    }
    trial = of_trial(None, **{key.replace(".", "__"): value for key, value in values.items()})
    read = parse_settings(trial.settings).values
    assert {key: tuple(one) if isinstance(one, list) else one for key, one in read.items()} == values


def test_a_setting_that_the_search_makes_itself_is_refused() -> None:
    space = parse_space({"optimizer.lr": {"values": [0.1]}}, "Space")
    request = TuneRequest(TrainRequest("b", settings=("length.epochs=3", "optimizer.lr=1")), Path("s"), "grid")
    with pytest.raises(UsageError) as refused:
        check_settings(request, space)
    assert "length.epochs: every trial gets the same length" in str(refused.value)
    assert "optimizer.lr: the search space sets it too" in str(refused.value)
