"""MLflow's model registry: which versions of a model there are, one more of them, and the file that one holds.

Nothing here waits or tries again. What comes from a server is believed no further than it must be: a version's files
are downloaded from places of a known kind alone, under a plain name, into the folder given.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from medseg.runs.tracking import RefusedError
from medseg.runs.tracking_client import connect, time_for_files
from medseg.runs.tracking_text import as_key, as_value
from medseg.runs.tracking_uri import sqlite_path, without_credentials

FLAVOR = "monai_bundle"  # how MLflow calls a kind of model
_MOST_NAMES = 1000  # of models, of which the nearest to a wrong name is told
_PATIENCE_S = 2.0  # for a database that another program writes
_EXISTS = "RESOURCE_ALREADY_EXISTS"
_DENIALS = frozenset({"PERMISSION_DENIED", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"})
# Where MLflow keeps files for a server. Not http: the user's name and password for MLflow would be sent to any host.
_PLACES = frozenset({"mlflow-artifacts", "file", "", "s3", "gs", "wasbs", "abfss"})


@dataclass(frozen=True)
class Registered:
    """A version of a model, as MLflow knows it.

    Attributes:
        name: Of the model.
        number: Of the version, from 1 on.
        run_id: MLflow's id of the run it comes from; empty for none.
        tags: What was said of it.
    """

    name: str
    number: int
    run_id: str
    tags: Mapping[str, str]


class Registry:
    """The models that an MLflow knows.

    Every method raises ``RefusedError`` where MLflow says no to whoever asks, and whatever MLflow raises where it is
    away.

    Args:
        uri: Address of the MLflow.

    Raises:
        OSError: A SQLite database is absent; none is made.
        sqlite3.Error: It is locked or damaged.
    """

    def __init__(self, uri: str) -> None:
        _look_at_database(uri)
        self._uri, self._client = uri, connect(uri)

    def names(self) -> list[str]:
        """Names of models, sorted; the first thousand."""
        with _denials():
            return sorted(model.name for model in self._client.search_registered_models(max_results=_MOST_NAMES))

    def versions(self, name: str) -> list[Registered]:
        """Versions of a model by number; empty where there is none, or no such model."""
        found: list[Any] = []
        token = None
        with _denials():
            while page := self._client.search_model_versions(f"name = '{name}'", page_token=token):
                found += page
                token = page.token
                if not token:
                    break
        return sorted((_registered(one) for one in found if one.name == name), key=lambda one: one.number)

    def aliases(self, name: str) -> dict[str, int]:
        """Alias to number of the version it stands for; the model must be there."""
        with _denials():
            aliases = self._client.get_registered_model(name).aliases
        return {str(alias): int(number) for alias, number in sorted(aliases.items())}

    def add(
        self, name: str, *, run_id: str, folder: str, about: str, description: str, tags: Mapping[str, str]
    ) -> Registered:
        """A new version of a model; the model too, where there is none.

        Args:
            name: Of the model.
            run_id: The run that holds its files.
            folder: Where in the run's artifacts they are.
            about: What the model is, if it is new.
            description: What the version is.
            tags: Other facts.
        """
        from mlflow.utils.uri import append_to_uri_path

        with _denials():
            self._make_model(name, about)
            # Not runs:/…: that would be looked up where MLFLOW_TRACKING_URI of whoever loads it says.
            place = append_to_uri_path(self._client.get_run(run_id).info.artifact_uri, folder)
            known = {as_key(key): as_value(value) for key, value in tags.items()}
            made = self._client.create_model_version(
                name, place, run_id, tags=known, description=as_value(description), await_creation_for=None
            )
        return _registered(made)

    def download(self, version: Registered, file: str, folder: Path) -> Path:
        """Download a file of a version into a folder, under its name.

        Args:
            version: As ``versions`` gives it.
            file: A plain name, without "/".
            folder: Must exist.

        Raises:
            RefusedError: The version's files are where medseg gets none from.
        """
        from mlflow.artifacts import download_artifacts

        with _denials(), time_for_files():
            place = str(self._client.get_model_version_download_uri(version.name, str(version.number)))
            _check_place(place, self._uri)
            download_artifacts(f"{place}/{file}", dst_path=str(folder), tracking_uri=self._uri)
        found = folder / file
        if found.is_symlink() or not found.is_file():
            raise RefusedError(f"'{file}' is no file there")
        return found

    def _make_model(self, name: str, about: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(name, description=as_value(about))
        except MlflowException as error:
            if error.error_code != _EXISTS:
                raise


def write_mlmodel(
    path: Path, *, run_id: str, folder: str, channels: int, dimensions: int, facts: Mapping[str, str]
) -> None:
    """Write the MLmodel file by which MLflow shows what goes into a model and comes out.

    It names no Python code to load: a bundle is data, and medseg or MONAI runs it.

    Args:
        path: The file.
        run_id: The run it belongs to.
        folder: Where in the run's artifacts it will be.
        channels: Input channels; images are float32 (batch, channels, …), label maps uint8 (batch, 1, …).
        dimensions: In space: 2 or 3.
        facts: What stands beside the signature: file and version of the package.
    """
    import numpy as np
    from mlflow.models import Model, ModelSignature
    from mlflow.types import Schema, TensorSpec

    space = (-1,) * dimensions
    image = TensorSpec(np.dtype("float32"), (-1, channels, *space), "image")
    label_map = TensorSpec(np.dtype("uint8"), (-1, 1, *space), "label_map")
    signature = ModelSignature(inputs=Schema([image]), outputs=Schema([label_map]))
    model = Model(artifact_path=folder, run_id=run_id, signature=signature)
    model.add_flavor(FLAVOR, **facts)
    model.save(str(path))


def _registered(version: Any) -> Registered:
    return Registered(str(version.name), int(version.version), str(version.run_id or ""), dict(version.tags))


def _look_at_database(uri: str) -> None:
    """Raise at once where a SQLite database is of no use: MLflow would make one, or wait for up to 100 s."""
    path = sqlite_path(uri)
    if path is None:
        return
    if not path.is_file():
        raise FileNotFoundError(f"there is no '{path}'")
    with contextlib.closing(
        sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_PATIENCE_S)
    ) as db:
        db.execute("SELECT count(*) FROM sqlite_master")


def _check_place(place: str, uri: str) -> None:
    try:
        found, own = urlsplit(place), urlsplit(uri)
        host, own_host = (found.hostname, found.port), (own.hostname, own.port)
    except ValueError:
        raise RefusedError("its files are at an address that is none") from None
    if found.scheme not in _PLACES or (found.scheme == "mlflow-artifacts" and found.netloc and host != own_host):
        raise RefusedError(f"its files are at '{without_credentials(place)}', and medseg gets none from there")


@contextlib.contextmanager
def _denials() -> Iterator[None]:
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code in _DENIALS:
            raise RefusedError("it says no to this user") from error
        raise
