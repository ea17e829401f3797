import json
import logging
import os
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest

from medseg.core.errors import BundleError
from medseg.core.files import digest_of_file
from medseg.runs.tracking import ready_database
from medseg.steps.registry import fetch, parse_address
from medseg.steps.registry_publish import publish
from tests.packages import NAME, packaged

AWAY = "http://someone:secret@127.0.0.1:9"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of an MLflow with two versions of a package, and a model that medseg did not register."""
    folder = tmp_path_factory.mktemp("filled")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    ready_database(uri)
    for note in ("first", "second"):
        package = packaged(folder / note, note=note)
        made = publish(
            package.zip,
            bundle=package.bundle,
            run_id=None,
            uri=uri,
            artifact_root=folder / "files",
            manifest=package.manifest,
        )
    other = client(uri)
    other.set_registered_model_alias(NAME, "champion", "1")
    other.create_registered_model("foreign")
    other.create_model_version("foreign", other.get_run(made.run_id).info.artifact_uri, made.run_id)
    other.create_registered_model("empty")
    return folder


@pytest.fixture
def mlflow(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That MLflow as the one in ./runs, whose database the test may change; files are in ``filled``."""
    (tmp_path / "runs").mkdir()
    shutil.copyfile(filled / "mlflow.db", tmp_path / "runs" / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    return tmp_path


def client(uri: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(uri, registry_uri=uri)


def own_client(mlflow: Path) -> Any:
    return client(f"sqlite:///{mlflow / 'runs' / 'mlflow.db'}")


def tag(mlflow: Path, number: int, **tags: str) -> None:
    for key, value in tags.items():
        own_client(mlflow).set_model_version_tag(NAME, str(number), f"package.{key}", value)


def original(filled: Path, note: str) -> bytes:
    return (filled / note / "my package.zip").read_bytes()


@pytest.mark.parametrize(
    ("end", "note"), [("/1", "first"), ("@champion", "first"), ("/2", "second"), ("/latest", "second")]
)
def test_number_alias_and_latest_give_the_zip_that_was_registered(
    mlflow: Path, filled: Path, end: str, note: str
) -> None:
    found = fetch(f"models:/{NAME}{end}")
    assert found.read_bytes() == original(filled, note)
    assert found == mlflow / "home" / "medseg" / "models" / f"{digest_of_file(found)}.zip"


def test_what_was_fetched_is_not_downloaded_again(mlflow: Path, filled: Path) -> None:
    first = fetch(f"models:/{NAME}/1")
    own_client(mlflow).set_model_version_tag(NAME, "1", "package.file", "moved.zip")  # a download would fail
    assert fetch(f"models:/{NAME}@champion") == first
    assert first.read_bytes() == original(filled, "first")


def test_a_damaged_copy_is_fetched_again(mlflow: Path, filled: Path) -> None:
    found = fetch(f"models:/{NAME}/1")
    found.write_bytes(found.read_bytes()[:-1] + b"x")
    assert fetch(f"models:/{NAME}/1").read_bytes() == original(filled, "first")


def test_another_file_than_was_registered_is_refused_and_not_kept(mlflow: Path) -> None:
    tag(mlflow, 1, sha256="0" * 64)
    with pytest.raises(BundleError, match=r"is not what was registered: its SHA-256 is .* that of the version 0000"):
        fetch(f"models:/{NAME}/1", cache=mlflow / "cache")
    assert list((mlflow / "cache").iterdir()) == []


@pytest.mark.parametrize(
    "file", ["../../evil.zip", "/etc/passwd", "a/b.zip", "..", "", "evil.zip\n", "a\\b.zip", ".zip", "%2e%2e%2fx.zip"]
)
def test_a_file_name_that_is_not_plain_is_refused(mlflow: Path, file: str) -> None:
    tag(mlflow, 1, file=file)
    with pytest.raises(BundleError, match=r"is refused: its tags package.sha256 .* are not"):
        fetch(f"models:/{NAME}/1", cache=mlflow / "cache")
    assert not (mlflow / "cache").exists()


@pytest.mark.parametrize("sha256", ["../../../evil", "A" * 64, "0" * 63])
def test_a_digest_that_is_none_is_refused(mlflow: Path, sha256: str) -> None:
    tag(mlflow, 1, sha256=sha256)
    with pytest.raises(BundleError, match="are not a SHA-256"):
        fetch(f"models:/{NAME}/1", cache=mlflow / "cache")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "models:/hippocampus_unet/1",
            f"no model 'hippocampus_unet'. Did you mean '{NAME}'\\? It has {NAME}, empty, foreign.",
        ),
        (f"models:/{NAME}/7", "has no version 7; it has 2, 1."),
        (f"models:/{NAME}@chamipon", r"has no alias 'chamipon'; it has champion \(version 1\)."),
        ("models:/empty/latest", "has no version yet"),
        ("models:/foreign/1", "holds no package of medseg: it has no tag package.sha256"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(mlflow: Path, text: str, told: str) -> None:
    with pytest.raises(BundleError, match=told) as raised:
        fetch(text)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "models:/",
        "models:/x",
        "models:/x/",
        "models:/x/0",
        "models:/x/Production",
        "models:/x/1/y",
        "models:/x@",
        "models:x/1",
        "models:/x' or name = 'y/1",
        "models:/../1/2",
        "models:/x/1\n",
        "models://host/x/1",
        "models:/m-0123/1@a",
        "models:/x/1e3",
    ],
)
def test_an_address_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(BundleError, match="is no address of a registered model"):
        parse_address(text)


def test_without_a_server_a_number_gives_what_was_fetched_before(
    mlflow: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = fetch(f"models:/{NAME}/1")
    (mlflow / "runs" / "mlflow.db").unlink()
    with caplog.at_level(logging.WARNING, logger="medseg"):
        assert fetch(f"models:/{NAME}/1") == found
    assert "is away (there is no" in caplog.text
    assert f"models:/{NAME}/1 as it was fetched before is used" in caplog.text
    assert not (mlflow / "runs" / "mlflow.db").exists()


@pytest.mark.parametrize("end", ["@champion", "/latest"])
def test_without_a_server_nobody_knows_an_alias(mlflow: Path, end: str) -> None:
    fetch(f"models:/{NAME}{end}")
    (mlflow / "runs" / "mlflow.db").unlink()
    with pytest.raises(BundleError, match="only it knows which version"):
        fetch(f"models:/{NAME}{end}")


def test_without_a_server_a_damaged_copy_is_not_used(mlflow: Path) -> None:
    fetch(f"models:/{NAME}/1").write_bytes(b"x")
    (mlflow / "runs" / "mlflow.db").unlink()
    with pytest.raises(BundleError, match="was not fetched from it before"):
        fetch(f"models:/{NAME}/1")


def test_what_came_from_one_server_does_not_stand_for_another(
    mlflow: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fetch(f"models:/{NAME}/1")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", AWAY)
    with pytest.raises(
        BundleError, match=r"http://127.0.0.1:9 is away \(connection refused\), and .* was not"
    ) as raised:
        fetch(f"models:/{NAME}/1")
    assert "secret" not in str(raised.value) + caplog.text


def test_a_number_that_became_another_package_is_told(
    mlflow: Path, filled: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fetch(f"models:/{NAME}/1")
    second = own_client(mlflow).get_model_version(NAME, "2")
    tag(mlflow, 1, **{key: second.tags[f"package.{key}"] for key in ("sha256", "file")})
    fetch(f"models:/{NAME}/2")
    with caplog.at_level(logging.WARNING, logger="medseg"):
        assert fetch(f"models:/{NAME}/1").read_bytes() == original(filled, "second")
    assert f"models:/{NAME}/1 at sqlite" in caplog.text
    assert "is another package than when it was fetched last" in caplog.text


class Hostile(ThreadingHTTPServer):
    """A server that calls a directory what was asked for as a file, and puts files into it that lead elsewhere."""

    tags: ClassVar[dict[str, str]] = {"package.sha256": "0" * 64, "package.file": "model.zip"}
    listed = "../../../planted.txt"

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    server: Hostile

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path.endswith("/mlflow-artifacts/artifacts"):
            self._say({"files": [{"path": self.server.listed, "is_dir": False, "file_size": 4}] * 2})
        elif path.endswith("/get-download-uri"):
            self._say({"artifact_uri": "mlflow-artifacts:/1/r/artifacts/package"})
        elif path.endswith("/model-versions/search"):
            tags = [{"key": key, "value": value} for key, value in self.server.tags.items()]
            self._say({"model_versions": [{"name": "m", "version": "1", "tags": tags}]})
        elif path.endswith("/registered-models/get"):
            self._say({"registered_model": {"name": "m", "aliases": [{"alias": "\x1b[2Jred", "version": "1"}]}})
        else:
            self._send(b"evil")

    def _say(self, value: object) -> None:
        self._send(json.dumps(value).encode())

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    server = Hostile(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def all_files(folder: Path) -> list[str]:
    return sorted(os.path.join(place, name) for place, _, names in os.walk(folder) for name in names)


@pytest.mark.parametrize("listed", ["../../../planted.txt", "/planted.txt", "..%2f..%2fplanted.txt", "plain.txt"])
def test_a_hostile_server_writes_nothing_that_stays(hostile: Hostile, tmp_path: Path, listed: str) -> None:
    hostile.listed = listed
    cache = tmp_path / "a" / "b" / "c" / "cache"
    with pytest.raises(BundleError, match=r"did not give 'model\.zip'"):
        fetch("models:/m/1", uri=hostile.uri, cache=cache)
    assert all_files(tmp_path) == []
    assert not Path("/planted.txt").exists()


def test_what_a_server_says_cannot_change_the_screen(hostile: Hostile, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"it has \\x1b\[2Jred \(version 1\)"):
        fetch("models:/m@blue", uri=hostile.uri, cache=tmp_path)
