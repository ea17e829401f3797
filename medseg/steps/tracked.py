"""Open a run in MLflow: of a training, or of a command that makes several trainings and holds them together."""

from __future__ import annotations

from collections.abc import Mapping

from medseg.bundle.read import Bundle
from medseg.runs.record import git_commit, versions
from medseg.runs.tracker import NoTracker, Tracker
from medseg.runs.tracking_uri import artifact_root, choose_uri
from medseg.steps.request import TrainRequest


def open_tracking(
    request: TrainRequest,
    bundle: Bundle,
    *,
    run_name: str,
    params: Mapping[str, object],
    tags: Mapping[str, object] | None = None,
    run_id: str | None = None,
) -> Tracker | NoTracker:
    """A tracker whose run is open, or one that does nothing where the request wants no tracking.

    A command that makes several trainings opens one run like this, gives its ``run_id`` to each training as
    ``TrainRequest.mlflow_parent``, and ends it with ``log_metrics``, ``log_artifacts`` and ``finish``.

    Args:
        request: Says where MLflow is and which run, if any, this one is a child of.
        bundle: What is trained; gives the experiment its name where the request does not.
        run_name: Name of the run; need not be unique.
        params: Recipe and data as flat keys.
        tags: Facts beside versions, bundle and commit.
        run_id: Go on with exactly this run.

    Raises:
        UsageError: The address is of a kind that medseg does not use.
    """
    if not request.tracking:
        return NoTracker()
    known: dict[str, object] = {f"version.{name}": version for name, version in versions().items()}
    known |= {"bundle": bundle.name, "bundle_version": bundle.version, "commit": git_commit() or "none"}
    tracker = Tracker()
    tracker.start(
        uri=choose_uri(request.tracking_uri, request.output),
        artifact_root=artifact_root(request.output),
        experiment=request.experiment or bundle.name,
        run_name=run_name,
        params=params,
        tags={**known, **(tags or {})},
        run_id=run_id,
        parent_id=request.mlflow_parent,
    )
    return tracker
