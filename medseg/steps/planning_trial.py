"""A process of its own that tries a written bundle, so that its peak memory is that of a training alone."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import medseg
from medseg.core.errors import TrainingError, UsageError
from medseg.steps.planning_probe import ANSWER, LegSpeed, Probe

_SAID = 400  # characters of a failed probe's last line
_UNTRIED = "The planned bundle could not be tried for a few steps"


class Trial:
    """A fresh process that loads torch and MONAI at once, while others measure, and then tries one bundle.

    Args:
        device: As ``--device`` takes it.
    """

    def __init__(self, device: str) -> None:
        # The child finds medseg where this process found it, also where it is not installed.
        paths = [str(Path(medseg.__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - see __exit__
        self._process = subprocess.Popen(
            [sys.executable, "-m", "medseg.steps.planning_probe", device],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=environment,
            text=True,
        )

    def __enter__(self) -> Trial:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()  # one that has answered is at its end already
        self._process.communicate()
        self._said.close()

    def device(self) -> str:
        """Kind of the device: "cpu", "cuda" or "mps"; call it once, before ``run``.

        Raises:
            UsageError: This machine has no such device.
            TrainingError: The process failed.
        """
        answer = self._answer()
        if "fault" in answer:
            raise UsageError(str(answer["fault"]))
        if "short" in answer:
            raise TrainingError(f"{_UNTRIED}: {answer['short']}")
        return str(answer["device"])

    def run(self, bundle: Path, data: Path, *, studies: Sequence[str]) -> Probe | None:
        """Train a few steps and segment a study; call it once, after ``device``.

        Args:
            bundle: Folder of the bundle.
            data: What it is to be trained on.
            studies: Ids of those to train on; the first is the largest, the second of median size; both are segmented.

        Returns:
            None where memory ran out: the patch was too large for this machine.

        Raises:
            TrainingError: The process failed; its reason is passed on.
        """
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended already; its answer, or the lack of one, says why
            words = {"bundle": str(bundle), "data": str(data), "studies": list(studies)}
            self._process.stdin.write(json.dumps(words) + "\n")
            self._process.stdin.flush()
        answer = self._answer()
        if "short" in answer:
            return None
        if "fault" in answer:
            raise TrainingError(f"{_UNTRIED}: {answer['fault']}")
        return Probe(**{**answer, "legs": tuple(LegSpeed(**leg) for leg in answer["legs"])})

    def _answer(self) -> dict[str, Any]:
        """The next line that is an answer; what libraries print besides is passed over."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(ANSWER):
                return dict(json.loads(line.removeprefix(ANSWER)))
        if self._process.wait() == -signal.SIGKILL:
            return {"short": "it was ended by signal 9, as the system does where memory runs out"}
        raise TrainingError(f"{_UNTRIED}: {self._why()}")

    def _why(self) -> str:
        code = self._process.wait()
        if code < 0:
            return f"it was ended by signal {-code}"
        self._said.seek(0)
        lines = self._said.read().strip().splitlines()
        return lines[-1][:_SAID] if lines else f"it ended with exit code {code} and said nothing"
