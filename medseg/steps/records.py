"""The beginning of a run's record, as every training, cross-validation and search writes it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medseg.runs.record import start_record
from medseg.steps.task import Task


def start_task_record(
    path: Path, task: Task, *, verb: str, split: Mapping[str, Any], request: Mapping[str, Any], **more: Any
) -> None:
    """Write run.json as of now; see ``start_record``.

    Args:
        path: Where; ``RunFolder.record``.
        task: What is trained on what.
        verb: Of medseg: "train" or "tune".
        split: Study ids of each part.
        request: What was asked, as the verb reads it again when it goes on.
        **more: Anything else that is plain JSON.

    Raises:
        OutputError: The file cannot be written.
    """
    start_record(
        path,
        argv=sys.argv,
        bundle=task.bundle.name,
        bundle_digest=task.bundle.configuration_digest,
        data_digest=task.cohort.inspection.data_digest,
        seed=task.recipe.seed,
        device=str(task.device),
        precision=task.precision.name,
        split=split,
        request=request,
        data=str(task.cohort.dataset.root),
        phantom=task.request.data is None,
        ranks=task.world.size,
        verb=verb,
        **more,
    )
