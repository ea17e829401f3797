"""What a plan says of the time and the memory of a training."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import tiny
from trials import Trials

from medseg.steps.planning import PlanRequest, plan_bundle
from medseg.steps.planning_probe import LegSpeed


def silent(_: str) -> None:
    pass


def test_time_counts_steps_and_scorings(request_of: Callable[..., PlanRequest], said: list[str]) -> None:
    """5 patients: 1 is held out, 1 of the others validates. 14 of the 1200 seconds are kept for the end."""
    plan_bundle(request_of(budget_min=20.0), say=said.append, warn=silent, start=Trials(1.2))
    (line,) = [line for line in said if line.startswith("time")]
    steps = int(line.split()[2])
    assert 585 <= steps <= (1200 - 14) / 2
    assert "fit into 20 minutes" in line


def test_time_counts_preparing(
    request_of: Callable[..., PlanRequest], said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """4 patients are prepared, 1 GB each: 786 of the 1200 seconds are left."""
    monkeypatch.setattr("medseg.planning.plan.prepared_gib", lambda *_: 5.0)
    trials = Trials(1.2)
    trials.found = replace(trials.found, prepare_s=100.0)
    plan_bundle(request_of(budget_min=20.0), say=said.append, warn=silent, start=trials)
    (line,) = [line for line in said if line.startswith("time")]
    assert 386 <= int(line.split()[2]) <= 786 / 2


def test_time_counts_both_parts_of_a_run_that_opens_with_smaller_patches(
    request_of: Callable[..., PlanRequest], said: list[str]
) -> None:
    """1186 seconds: 0.4 of them at 1 s a step, the others at 2 s; a few for scoring between."""
    trials = Trials(1.2)
    trials.found = replace(trials.found, legs=(LegSpeed(0.4, 4, 1.0), LegSpeed(0.6, 2, 2.0)))
    plan_bundle(request_of(budget_min=20.0), say=said.append, warn=silent, start=trials)
    (line,) = [line for line in said if line.startswith("time")]
    assert 0.95 * (474 + 355) < int(line.split()[2]) <= 474 + 355
    assert any("a step takes 1.00 s and then 2.00 s" in line for line in said)


def test_time_without_a_budget_counts_epochs(request_of: Callable[..., PlanRequest], said: list[str]) -> None:
    trials = Trials(1.2)
    trials.found = replace(trials.found, legs=(LegSpeed(0.4, 4, 1.0), LegSpeed(0.6, 2, 2.0)))
    place = plan_bundle(request_of(), say=said.append, warn=silent, start=trials)
    epochs = int((place / "configs" / "train.yaml").read_text().partition("epochs: ")[2].split()[0])
    (line,) = [line for line in said if line.startswith("time")]
    steps = int(line.partition(" epochs, ")[2].split()[0])
    assert f"for {epochs} epochs" in line
    assert 4400 < steps < 4700
    assert "2 h" in line  # 1100 steps of 1 s, 3400 of 2 s


def test_memory_counts_the_prepared_studies_of_the_training(
    request_of: Callable[..., PlanRequest], said: list[str]
) -> None:
    plan_bundle(request_of(), say=said.append, warn=silent, start=Trials(1.2))
    (line,) = [line for line in said if line.startswith("memory")]
    assert line.startswith("memory    about 1.2 GB in a training")  # the phantoms take next to nothing
    assert line.endswith("within 8 GB")


def test_memory_counts_the_patients_that_a_small_set_holds_out(
    request_of: Callable[..., PlanRequest], said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three patients one is held out: of 3 GB prepared 2 GB are kept, beside the 1 GB that was tried."""
    monkeypatch.setattr("medseg.planning.plan.prepared_gib", lambda *_: 3.0)
    three = tiny.write_tiny_cohort(tmp_path / "three", studies=3)
    plan_bundle(request_of(data=three), say=said.append, warn=silent, start=Trials(1.0))
    assert any(line.startswith("memory    about 3.0 GB in a training") for line in said)
