import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from medseg.runs.tracking import OpenRun, Plan, RefusedError, new_run, ready_database
from medseg.runs.tracking_registry import Registered, Registry, write_mlmodel


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    address = f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"
    ready_database(address)
    return address


@pytest.fixture
def run(uri: str, tmp_path: Path) -> OpenRun:
    """A run that holds the file package/a/model.zip."""
    opened = new_run(Plan(uri, tmp_path, tmp_path.name, "run"))
    (tmp_path / "package" / "a").mkdir(parents=True)
    (tmp_path / "package" / "a" / "model.zip").write_bytes(b"bytes of a zip")
    opened.upload(tmp_path / "package")
    opened.close("FAILED")
    return opened


def add(registry: Registry, name: str, run: OpenRun, **tags: str) -> Registered:
    return registry.add(name, run_id=run.id, folder="package/a", about="a model", description="a version", tags=tags)


def client(uri: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(uri, registry_uri=uri)


def test_a_version_is_found_again_with_what_was_said_of_it_and_its_file(uri: str, run: OpenRun, tmp_path: Path) -> None:
    registry = Registry(uri)
    made = add(registry, "found", run, key="value", **{"dice.left/right": "0.9"})
    assert made == Registered("found", 1, run.id, {"key": "value", "dice.left/right": "0.9"})
    assert registry.versions("found") == [made]
    (tmp_path / "here").mkdir()
    assert registry.download(made, "model.zip", tmp_path / "here").read_bytes() == b"bytes of a zip"


def test_versions_come_by_number_and_not_by_text(uri: str, run: OpenRun) -> None:
    registry = Registry(uri)
    for _ in range(11):
        add(registry, "many", run)
    assert [version.number for version in registry.versions("many")] == list(range(1, 12))


def test_a_model_that_nobody_registered_has_no_versions(uri: str, run: OpenRun) -> None:
    add(Registry(uri), "other", run)
    assert Registry(uri).versions("oth") == []
    assert "other" in Registry(uri).names()


def test_an_alias_stands_for_a_number(uri: str, run: OpenRun) -> None:
    add(Registry(uri), "called", run)
    add(Registry(uri), "called", run)
    client(uri).set_registered_model_alias("called", "champion", "2")
    assert Registry(uri).aliases("called") == {"champion": 2}


def test_a_description_of_any_length_is_taken_as_far_as_mlflow_takes_it(uri: str, run: OpenRun) -> None:
    Registry(uri).add(
        "long", run_id=run.id, folder="a", about="x" * 9000, description="y" * 9000, tags={"z": "z" * 9000}
    )
    version = client(uri).get_model_version("long", "1")
    assert (len(version.description), version.description[-1], len(version.tags["z"])) == (5000, "…", 5000)


def test_no_database_is_made_by_looking_for_models(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no"):
        Registry(f"sqlite:///{tmp_path / 'absent.db'}")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_database_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "damaged.db").write_bytes(b"no database" * 1000)
    began = time.monotonic()
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        Registry(f"sqlite:///{tmp_path / 'damaged.db'}")
    assert time.monotonic() - began < 5.0


@pytest.mark.parametrize(
    "place",
    ["http://127.0.0.1:9/x", "https://evil/x", "mlflow-artifacts://evil/x", "ftp://evil/x", "sftp://u:pw@evil/x"],
)
def test_files_elsewhere_are_not_asked_for(uri: str, run: OpenRun, place: str, tmp_path: Path) -> None:
    registry = Registry(uri)
    add(registry, "elsewhere", run)
    made = client(uri).create_model_version("elsewhere", place, run.id)  # as only a server before 3.17 lets through
    with pytest.raises(RefusedError, match="medseg gets none from there") as raised:
        registry.download(Registered("elsewhere", int(made.version), run.id, {}), "model.zip", tmp_path)
    assert "pw" not in str(raised.value)


def test_the_mlmodel_says_what_goes_in_and_comes_out_and_loads_no_code(tmp_path: Path) -> None:
    from mlflow.models import Model

    write_mlmodel(
        tmp_path / "MLmodel", run_id="r", folder="package/a", channels=4, dimensions=3, facts={"version": "1"}
    )
    signature = Model.load(str(tmp_path / "MLmodel")).signature
    (image,), (label_map,) = signature.inputs.inputs, signature.outputs.inputs
    assert (image.name, image.type.name, image.shape) == ("image", "float32", (-1, 4, -1, -1, -1))
    assert (label_map.name, label_map.type.name, label_map.shape) == ("label_map", "uint8", (-1, 1, -1, -1, -1))
    assert yaml.safe_load((tmp_path / "MLmodel").read_text())["flavors"] == {"monai_bundle": {"version": "1"}}


@pytest.fixture
def denying() -> Iterator[str]:
    """A server that lets nobody in."""

    class Denying(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(403)
            self.end_headers()
            self.wfile.write(b"no")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Denying)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_who_may_not_ask_is_refused(denying: str) -> None:
    with pytest.raises(RefusedError, match="says no to this user"):
        Registry(denying).versions("any")


def test_a_server_that_is_not_there_is_told_at_once() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    began = time.monotonic()
    with pytest.raises(Exception, match="refused"):
        Registry(f"http://127.0.0.1:{port}").versions("any")
    assert time.monotonic() - began < 5.0
