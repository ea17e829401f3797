"""Hand an evaluation to the MLflow run of the model that was evaluated."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medseg.metrics.evaluation import Evaluation
from medseg.metrics.metric import METRICS
from medseg.runs.record import read_record
from medseg.runs.tracking import POINTS_PER_CALL, Point, ended_run, ready_database
from medseg.runs.tracking_text import as_key, as_reason
from medseg.runs.tracking_uri import choose_uri, without_credentials

LOG = logging.getLogger("medseg")
PREFIX = "eval"


@dataclass(frozen=True)
class Tracked:
    """The MLflow run of a trained model.

    Attributes:
        run_id: MLflow's id of it.
        uri: Where that MLflow is.
    """

    run_id: str
    uri: str


def tracked_run(run: Path | None, *, tracking_uri: str | None) -> Tracked | None:
    """Where the numbers of a run belong; None where there is no run or its training was not tracked.

    Args:
        run: Its folder.
        tracking_uri: Address that the user gives; None takes that of the training.

    Raises:
        FileError: The run's record cannot be read.
        UsageError: The address is of a kind that medseg does not use.
    """
    record = {} if run is None else read_record(run / "run.json")
    if run is None or not record.get("mlflow_run_id"):
        return None
    request: Mapping[str, Any] = record.get("request") or {}
    return Tracked(
        run_id=str(record["mlflow_run_id"]),
        uri=choose_uri(tracking_uri or request.get("tracking_uri"), folder_of_all_runs(run, request)),
    )


def folder_of_all_runs(run: Path, request: Mapping[str, Any]) -> Path:
    """Two folders above a run, three above one that is a part of another; the topmost where there are not as many.

    Args:
        run: Its folder.
        request: What its training was asked for, as its record says.
    """
    above = run.resolve().parents
    return above[min(1 if request.get("within") is None else 2, len(above) - 1)]


def track_evaluation(tracked: Tracked, evaluation: Evaluation, files: Sequence[Path]) -> None:
    """Send the means as ``eval/<label>/<metric>``, their bounds as ``…/lo`` and ``…/hi``, and the files.

    The run itself stays as it ended. An MLflow that is away, or has no such run, costs a warning and no result.
    """
    where = without_credentials(tracked.uri)
    try:
        ready_database(tracked.uri)
        run = ended_run(tracked.uri, tracked.run_id)
        if run is None:
            LOG.warning("MLflow at %s has no run %s any more; the numbers are in summary.json.", where, tracked.run_id)
            return
        run.send_tags({"eval.policy": evaluation.policy.name, "eval.policy_digest": evaluation.policy.digest})
        points = _points(values_of(evaluation))
        for first in range(0, len(points), POINTS_PER_CALL):
            run.send_points(points[first : first + POINTS_PER_CALL])
        for path in files:
            if path.is_file():
                run.upload(path)
    except Exception as error:  # whatever MLflow does, the evaluation is done
        LOG.warning("MLflow at %s did not take the numbers (%s); they are in summary.json.", where, as_reason(error))


def _points(values: Mapping[str, float]) -> list[Point]:
    now_ms = int(time.time() * 1000)
    return [Point(as_key(key), value, now_ms, 0) for key, value in values.items() if math.isfinite(value)]


def values_of(evaluation: Evaluation) -> dict[str, float]:
    """Name in MLflow to value; nan where there is none, which is not sent."""
    values: dict[str, float] = {}
    for name in evaluation.names:
        for metric in METRICS:
            whole, key = evaluation.summaries[name][metric].whole, f"{PREFIX}/{name}/{metric}"
            values |= {key: whole.mean, f"{key}/lo": whole.low, f"{key}/hi": whole.high}
    return values
