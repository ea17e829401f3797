"""The run.json of an inference: begun before the first study, ended whatever happens."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from medseg.core.files import digest_of
from medseg.core.redact import Redactor
from medseg.runs.record import finish_record, start_record
from medseg.steps.ensemble import Ensemble
from medseg.steps.jobs import Outcome, Worklist


@dataclass
class CohortRecord:
    """What an inference has done so far.

    Attributes:
        path: Of the record.
        began_s: When the command began, on the scale of time.monotonic.
        expected: Number of outcomes there will be.
        outcomes: What is known; begins with what was known before the first study.
    """

    path: Path
    began_s: float
    expected: int
    outcomes: list[Outcome] = field(default_factory=list)

    def start(self, model: Ensemble, worklist: Worklist, *, device: str, precision: str) -> Self:
        """Write what is known at the beginning.

        Raises:
            OutputError: The record cannot be written.
        """
        start_record(
            self.path,
            argv=[Redactor(worklist.identity).text(word) for word in sys.argv],  # folders are named after patients
            bundle=model.name,
            bundle_digest=model.digest,
            data_digest=digest_of(sorted(str(path) for job in worklist.jobs for path in job.sources)),
            seed=0,
            device=device,
            precision=precision,
            split={},
            verb="infer",
            **model.record(),
        )
        return self

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Studies that are done, or cannot be."""
        self.outcomes.extend(outcomes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        finish_record(
            self.path,
            outcome="finished" if len(self.outcomes) == self.expected else "interrupted",
            seconds=time.monotonic() - self.began_s,
            studies=[asdict(outcome) for outcome in self.outcomes],
        )
