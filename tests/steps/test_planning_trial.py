"""A planned bundle is tried in a process of its own: what it answers, and how it may end instead."""

import sys
from pathlib import Path

import pytest

from medseg.core.errors import TrainingError, UsageError
from medseg.steps.planning_probe import LegSpeed, Probe
from medseg.steps.planning_trial import Trial

FOUND = (
    '{"device": "cpu", "precision": "fp32", "legs": [{"share": 1.0, "batch": 2, "step_s": 0.5}], "study_s": 1.0, '
    '"holdout_s": 3.0, "prepare_s": 0.2, "finish_s": 10.0, "peak_gib": 1.5, "prepared_gib": 0.1, '
    '"steps_gib": 1.4, "preparing_gib": 1.2}'
)


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shell script that is started in place of Python; write into it."""
    script = tmp_path / "python"
    script.touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    return script


def says(child: Path, *lines: str) -> None:
    child.write_text("\n".join(["#!/bin/sh", *lines]) + "\n")


def run(trial: Trial) -> Probe | None:
    return trial.run(Path("bundle"), Path("data"), studies=["P1"])


def test_what_libraries_print_is_passed_over(child: Path) -> None:
    says(
        child,
        "echo a library says hello",
        """echo 'medseg-probe {"device": "cpu"}'""",
        "read request",
        f"echo 'medseg-probe {FOUND}'",
    )
    with Trial("cpu") as trial:
        assert trial.device() == "cpu"
        assert run(trial) == Probe("cpu", "fp32", (LegSpeed(1.0, 2, 0.5),), 1.0, 3.0, 0.2, 10.0, 1.5, 0.1, 1.4, 1.2)


def test_a_device_that_is_not_there_is_wrong_usage(child: Path) -> None:
    says(child, """echo 'medseg-probe {"fault": "this machine has cpu"}'""")
    with Trial("cuda") as trial, pytest.raises(UsageError, match="this machine has cpu"):
        trial.device()


def test_a_bundle_that_cannot_be_tried_says_why(child: Path) -> None:
    says(
        child,
        """echo 'medseg-probe {"device": "cpu"}'""",
        "read request",
        """echo 'medseg-probe {"fault": "no such patch"}'""",
    )
    with Trial("cpu") as trial:
        trial.device()
        with pytest.raises(TrainingError, match="could not be tried for a few steps: no such patch"):
            run(trial)


@pytest.mark.parametrize(
    ("end", "why"),
    [
        ("kill -15 $$", "ended by signal 15"),
        ("echo first >&2; echo last word >&2; exit 1", "for a few steps: last word"),
        ("exit 3", "ended with exit code 3 and said nothing"),
    ],
)
def test_a_process_that_dies_gives_its_last_word(child: Path, end: str, why: str) -> None:
    says(child, """echo 'medseg-probe {"device": "cpu"}'""", end)
    with Trial("cpu") as trial:
        trial.device()
        with pytest.raises(TrainingError, match=why):
            run(trial)


@pytest.mark.parametrize("end", ["kill -9 $$", """echo 'medseg-probe {"short": "memory ran out"}'; exit 1"""])
def test_a_process_that_runs_out_of_memory_has_found_a_patch_too_large(child: Path, end: str) -> None:
    says(child, """echo 'medseg-probe {"device": "cpu"}'""", "read request", end)
    with Trial("cpu") as trial:
        trial.device()
        assert run(trial) is None


def test_a_process_that_is_killed_before_it_knows_its_device_says_so(child: Path) -> None:
    says(child, "kill -9 $$")
    with Trial("cpu") as trial, pytest.raises(TrainingError, match="signal 9, as the system does where memory runs"):
        trial.device()


def test_a_process_that_is_not_needed_is_ended(child: Path) -> None:
    says(child, "exec sleep 60")
    with Trial("cpu") as trial:
        pass
    assert trial._process.returncode == -9
