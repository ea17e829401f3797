"""`medseg plan` with its trial in this process, or without one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Self

import pytest
import tiny

from medseg.bundle.read import read_bundle
from medseg.steps import planning
from medseg.steps.planning_probe import LegSpeed, Probe, measure_bundle


class TrialHere:
    """Tries a bundle in this process, which has torch and MONAI loaded."""

    def __init__(self, device: str) -> None:
        self.kind = device

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def device(self) -> str:
        return "cpu"

    def run(self, bundle: Path, data: Path, *, studies: Sequence[str]) -> Probe:
        return measure_bundle(bundle, data, device="cpu", studies=studies)


class NoTrial(TrialHere):
    """Says at once that a bundle can be trained."""

    def run(self, bundle: Path, data: Path, *, studies: Sequence[str]) -> Probe:
        read_bundle(bundle)
        return Probe("cpu", "fp32", (LegSpeed(1.0, 2, 1.0),), 1.0, 3.0, 0.0, 10.0, 1.0, 0.0, 1.0, 1.0)


def plan(*words: object, start: type[TrialHere] = NoTrial) -> tiny.Answer:
    """Run the verb, its trial in this process or left out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "plan_bundle", partial(planning.plan_bundle, start=start))
        return tiny.call("plan", *words)
