"""Hand a package to the MLflow that knows its run, as an artifact of it and a version of a registered model."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from medseg.core.errors import MedsegError, OutputError
from medseg.runs.tracking_uri import artifact_root, choose_uri, sqlite_path
from medseg.steps.evaluation_tracking import folder_of_all_runs, tracked_run
from medseg.steps.given_bundle import given_bundle
from medseg.steps.package_request import PackageRequest
from medseg.steps.packaging import Package
from medseg.steps.registry_publish import Version, publish

LOG = logging.getLogger("medseg")


def register_package(package: Package, request: PackageRequest, *, say: Callable[[str], None]) -> None:
    """Register a package, where its run is tracked or an MLflow is named; else do nothing.

    Args:
        package: As written.
        request: Says where MLflow is, or that it is not to be used.
        say: Shows a line to the user.

    Raises:
        OutputError: An MLflow that was named does not take it; one that was not named is a warning alone.
        UsageError: An address that was named is of a kind that medseg does not use.
    """
    if not request.tracking:
        return
    try:
        version = _register(package, request.tracking_uri)
    except MedsegError as error:
        if request.tracking_uri is not None:
            raise
        LOG.warning("%s", error)
        return
    if version is not None:
        say(f"registered as {version.address} in {version.mlflow}")


def _register(package: Package, uri: str | None) -> Version | None:
    """The version it got; None where neither its run nor the user knows an MLflow."""
    run, request = package.source.run, package.source.record.get("request") or {}
    tracked = tracked_run(run, tracking_uri=uri)
    if tracked is None and uri is None:
        return None
    folder = Path("runs") if run is None else folder_of_all_runs(run, request)
    place = choose_uri(uri, folder) if tracked is None else tracked.uri
    database = sqlite_path(place)
    if uri is None and database is not None and not database.is_file():  # a run that was moved or copied
        raise OutputError(
            f"MLflow at {place} is not there (any more), so '{package.path}' is not registered. It is whole; give "
            "--tracking-uri to register the next one, or --no-tracking."
        )
    return publish(
        package.path,
        bundle=given_bundle(str(package.path.absolute())),
        run_id=None if tracked is None else tracked.run_id,
        uri=place,
        artifact_root=artifact_root(folder),
        manifest=package.manifest,
    )
