"""Hand an evaluation to the MLflow run of the model that was evaluated."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medseg.core.errors import FileError
from medseg.metrics.evaluation import Evaluation
from medseg.metrics.metric import METRICS
from medseg.runs.record import read_record
from medseg.runs.tracker import Tracker
from medseg.runs.tracking_uri import artifact_root, choose_uri

LOG = logging.getLogger("medseg")
PREFIX = "eval"


@dataclass(frozen=True)
class Tracked:
    """The MLflow run of a trained model.

    Attributes:
        run_id: MLflow's id of it.
        uri: Where that MLflow is.
        output: Folder of all runs.
        experiment: Name of the experiment.
        name: Of the run.
    """

    run_id: str
    uri: str
    output: Path
    experiment: str
    name: str


def tracked_run(folder: Path, *, tracking_uri: str | None) -> Tracked | None:
    """Where the numbers of a run folder belong; None where it is no run or its training was not tracked.

    Args:
        folder: What was given as bundle.
        tracking_uri: Address that the user gives; None takes that of the training.

    Raises:
        UsageError: The address is of a kind that medseg does not use.
    """
    try:
        record = read_record(folder / "run.json")
    except FileError:
        return None
    request: Mapping[str, Any] = record.get("request") or {}
    if not record.get("mlflow_run_id"):
        return None
    output = folder.resolve().parent.parent
    uri = choose_uri(tracking_uri or request.get("tracking_uri"), output)
    experiment = str(request.get("experiment") or record.get("bundle"))
    return Tracked(str(record["mlflow_run_id"]), uri, output, experiment, folder.resolve().name)


def track_evaluation(tracked: Tracked, evaluation: Evaluation, files: Sequence[Path]) -> None:
    """Send the means as ``eval/<label>/<metric>``, their bounds as ``…/lo`` and ``…/hi``, and the files.

    An MLflow that is away costs a warning, never the evaluation.
    """
    tracker = Tracker()
    tracker.start(
        uri=tracked.uri,
        artifact_root=artifact_root(tracked.output),
        experiment=tracked.experiment,
        run_name=tracked.name,
        params={},
        tags={"eval.policy": evaluation.policy.name, "eval.policy_digest": evaluation.policy.digest},
        run_id=tracked.run_id,
    )
    tracker.log_metrics(values_of(evaluation), step=0)
    tracker.log_artifacts(files)
    tracker.finish("FINISHED")


def values_of(evaluation: Evaluation) -> dict[str, float]:
    """Name in MLflow to value; nan where there is none, which is not sent."""
    values: dict[str, float] = {}
    for name in evaluation.names:
        for metric in METRICS:
            whole, key = evaluation.summaries[name][metric].whole, f"{PREFIX}/{name}/{metric}"
            values |= {key: whole.mean, f"{key}/lo": whole.low, f"{key}/hi": whole.high}
    return values
