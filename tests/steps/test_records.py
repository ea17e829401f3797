"""The beginning of a run's record."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from medseg.runs.record import read_record
from medseg.steps.records import start_task_record


def task(data: str | None) -> Any:
    return SimpleNamespace(
        bundle=SimpleNamespace(name="model", configuration_digest="b" * 64),
        cohort=SimpleNamespace(
            inspection=SimpleNamespace(data_digest="d" * 64), dataset=SimpleNamespace(root=Path("/scans"))
        ),
        recipe=SimpleNamespace(seed=7),
        device="cpu",
        precision=SimpleNamespace(name="fp32"),
        request=SimpleNamespace(data=data),
        world=SimpleNamespace(size=2),
    )


@pytest.mark.parametrize(("data", "phantom"), [("/scans", False), (None, True)])
def test_it_says_what_is_trained_on_what(
    data: str | None, phantom: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["medseg", "train"])
    path = tmp_path / "run.json"
    start_task_record(path, task(data), verb="train", split={"train": ["a"]}, request={"fold": 0}, folds=[])
    found = read_record(path)
    assert found["bundle"] == {"name": "model", "digest": "b" * 64}
    assert (found["outcome"], found["verb"], found["seed"], found["ranks"]) == ("running", "train", 7, 2)
    assert (found["data"], found["phantom"], found["data_digest"]) == ("/scans", phantom, "d" * 64)
    assert (found["split"], found["request"], found["folds"]) == ({"train": ["a"]}, {"fold": 0}, [])
    assert found["argv"] == ["medseg", "train"]
