"""Trials that answer without a process, for plans whose trial is not what is tested."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from medseg.core.errors import TrainingError
from medseg.steps.planning_probe import LegSpeed, Probe

FOUND = Probe(
    device="cpu",
    precision="fp32",
    legs=(LegSpeed(1.0, 2, 2.0),),
    study_s=1.0,
    holdout_s=3.0,
    prepare_s=0.0,
    finish_s=10.0,
    peak_gib=1.2,  # see Trials
    prepared_gib=0.2,
    steps_gib=99.0,  # no more than the peak
    preparing_gib=1.0,
)


class Trials:
    """Answers for processes that are not started, one after the other.

    Args:
        needed_gib: The memory that each finds, without the studies it kept; None for one that ran out of memory.
        device: Where they say to run.

    Attributes:
        found: What they find else.
        patches: Of the bundles that were tried.
        studies: That the last was given.
    """

    def __init__(self, *needed_gib: float | None, device: str = "cpu") -> None:
        self.ahead, self.kind, self.found = list(needed_gib), device, FOUND
        self.patches, self.studies = list[list[int]](), list[str]()

    def __call__(self, device: str) -> Any:
        return self

    def __enter__(self) -> "Trials":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def device(self) -> str:
        return self.kind

    def run(self, bundle: Path, data: Path, *, studies: list[str]) -> Probe | None:
        text = (bundle / "configs" / "train.yaml").read_text()
        self.patches.append(json.loads(text.partition("patch: ")[2].partition("]")[0] + "]"))
        self.studies = list(studies)
        if not self.ahead:
            raise TrainingError("it broke")
        needed_gib = self.ahead.pop(0)
        if needed_gib is None:
            return None
        peak_gib = needed_gib + self.found.prepared_gib
        steps_gib = min(peak_gib, self.found.steps_gib)
        return replace(self.found, peak_gib=peak_gib, steps_gib=steps_gib, device=self.kind)
