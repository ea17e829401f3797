"""What the tests ask of a run: its record, its epochs, and whether two runs ended bit-equal."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

WAIT_S = 240  # until a training in another process is somewhere; far more than it takes


def record(run: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((run / "run.json").read_text())
    return record


def rows(run: Path) -> list[str]:
    metrics = run / "metrics.csv"
    return metrics.read_text().splitlines()[1:] if metrics.is_file() else []


def wait(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Until something is so; a process that ends before fails the test with what it said."""
    until_s = time.monotonic() + WAIT_S
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until_s
        time.sleep(0.01)


def state(run: Path) -> dict[str, Any]:
    """What a run leaves that does not depend on the clock."""
    state = torch.load(run / "last.pt", weights_only=True)
    counters = {key: value for key, value in state["counters"].items() if not key.endswith("_s")}
    return {**{key: state[key] for key in ("network", "average", "optimizer", "random", "progress")}, **counters}


def assert_equal(one: Any, other: Any) -> None:
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_equal(one[key], other[key])
    else:
        assert one == other


def assert_same_end(one: Path, other: Path) -> None:
    """Bit-equal: the shipped weights and the whole state to go on from."""
    models = [torch.load(run / "bundle" / "models" / "model.pt", weights_only=True) for run in (one, other)]
    assert_equal(*models)
    assert_equal(state(one), state(other))
