"""A quiet connection to MLflow, with time enough for files."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from typing import Any

FILE_TIMEOUT_S = 120  # a server may fetch a file from elsewhere before it sends the first byte
_TIMEOUT = "MLFLOW_HTTP_REQUEST_TIMEOUT"


def keep_mlflow_quiet() -> None:
    """Set, where the user has not, what keeps MLflow quick, silent and on this machine.

    MLflow reads some of it when it is imported, and MONAI imports MLflow.
    """
    for name, value in {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MLFLOW_LOGGING_LEVEL": "CRITICAL",  # what matters of it, medseg says in its own words
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        _TIMEOUT: "5",
    }.items():
        os.environ.setdefault(name, value)


def connect(uri: str) -> Any:
    """MLflow's client for an address; runs and registry are both there, whatever MLFLOW_REGISTRY_URI says."""
    keep_mlflow_quiet()
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(os.environ["MLFLOW_LOGGING_LEVEL"])
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    return MlflowClient(uri, registry_uri=uri)


@contextlib.contextmanager
def time_for_files() -> Iterator[None]:
    """Wait longer for an answer than for a number's: a model takes longer to send."""
    usual = os.environ.get(_TIMEOUT, "5")
    os.environ[_TIMEOUT] = str(max(int(usual), FILE_TIMEOUT_S))
    try:
        yield
    finally:
        os.environ[_TIMEOUT] = usual
