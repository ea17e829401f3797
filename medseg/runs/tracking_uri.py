"""Which MLflow a run is tracked on: an address from the flag, the environment or the output folder."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from medseg.core.errors import UsageError

VARIABLE = "MLFLOW_TRACKING_URI"
DATABASE = "mlflow.db"
ARTIFACTS = "mlartifacts"
_SQLITE = "sqlite:///"
_HOW = "Give http://HOST:PORT of a server, sqlite:///PATH of a file, or --no-tracking."


def choose_uri(flag: str | None, output: Path, environment: Mapping[str, str] = os.environ) -> str:
    """Address of the MLflow to use, checked without asking it.

    Args:
        flag: Value of --tracking-uri; wins over all else.
        output: Folder of all runs; holds the default database.
        environment: Where MLFLOW_TRACKING_URI is looked up.

    Raises:
        UsageError: The address is of a kind that medseg does not use; says why.
    """
    if flag is not None:
        return checked_uri(flag, "--tracking-uri")
    if environment.get(VARIABLE):
        return checked_uri(environment[VARIABLE], VARIABLE)
    return default_uri(output)


def default_uri(output: Path) -> str:
    """Address of the SQLite database in the folder of all runs.

    Raises:
        UsageError: The folder's name holds "?" or "%", which mean something else in an address.
    """
    return checked_uri(f"{_SQLITE}{(output / DATABASE).absolute()}", "the database in --output")


def artifact_root(output: Path) -> Path:
    """Folder for the files that a run gives to a SQLite MLflow."""
    return (output / ARTIFACTS).absolute()


def checked_uri(uri: str, source: str) -> str:
    """The address, if medseg can use it.

    Raises:
        UsageError: A plain path or ``file:`` (MLflow has closed its file stores), another scheme,
            no host, or no file.
    """
    fault = _fault(uri)
    if fault:
        raise UsageError(f"{source} '{without_credentials(uri)}': {fault}. {_HOW}")
    return uri


def without_credentials(text: str) -> str:
    """The text as a message may show it: no user and no password in any address in it."""
    return re.sub(r"(\w://)[^/\s]*@", r"\1", text)


def sqlite_path(uri: str) -> Path | None:
    """File of a SQLite address; None for a server."""
    return Path(uri.removeprefix(_SQLITE)) if uri.startswith(_SQLITE) else None


def _fault(uri: str) -> str | None:
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError as error:
        return f"is no address ({error})"
    if parts.scheme in ("http", "https"):
        return None if parts.hostname else "names no host"
    if parts.scheme == "sqlite":
        return _sqlite_fault(uri)
    if parts.scheme in ("", "file"):
        return "is a folder or file, and MLflow no longer keeps runs in plain files"
    return f"has the scheme '{parts.scheme}', which medseg does not use"


def _sqlite_fault(uri: str) -> str | None:
    path = uri.removeprefix(_SQLITE)
    if not uri.startswith(_SQLITE) or path in ("", ":memory:"):
        return "names no file, so the runs would be gone at the end"
    if Path(path).is_dir():
        return "is a folder, not a database file"
    marks = [mark for mark in "?%" if mark in path]
    return f"holds '{marks[0]}', which means something else in an address" if marks else None
