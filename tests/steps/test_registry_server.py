"""A package on a real MLflow server on this machine, there and back."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from medseg.core.errors import BundleError
from medseg.runs.tracking import Plan, new_run
from medseg.steps.registry import fetch
from medseg.steps.registry_publish import Version, publish
from tests.mlflow_server import Server, served
from tests.packages import NAME, Packaged, packaged

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("mlflow")) as running:
        yield running


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Packaged:
    return packaged(tmp_path_factory.mktemp("package") / "a")


@pytest.fixture(scope="module")
def version(server: Server, package: Packaged) -> Version:
    """The package, published into the run of its training."""
    run = new_run(Plan(server.uri, Path("unused"), NAME, "training"))
    run.close("FINISHED")
    return _publish(server, package, run.id)


def _publish(server: Server, package: Packaged, run_id: str | None) -> Version:
    return publish(
        package.zip,
        bundle=package.bundle,
        run_id=run_id,
        uri=server.uri,
        artifact_root=Path("unused"),
        manifest=package.manifest,
    )


def _client(server: Server) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(server.uri, registry_uri=server.uri)


def test_a_package_goes_to_a_server_and_comes_back(
    server: Server, version: Version, package: Packaged, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    _client(server).set_registered_model_alias(NAME, "champion", str(version.number))
    found = [fetch(f"models:/{NAME}{end}", uri=server.uri, cache=tmp_path) for end in ("/1", "/latest", "@champion")]
    assert [path.read_bytes() for path in found] == [package.zip.read_bytes()] * 3
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".zip"]
    assert capfd.readouterr() == ("", "")


def test_the_server_has_one_version_of_a_zip_that_is_published_twice(
    server: Server, version: Version, package: Packaged
) -> None:
    again = _publish(server, package, "0" * 32)
    assert (again.address, again.run_id, again.is_new) == (version.address, version.run_id, False)


def test_mlflow_itself_finds_signature_and_file(
    server: Server, version: Version, package: Packaged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    signature = mlflow.models.get_model_info(version.address).signature
    assert signature.inputs.inputs[0].shape == (-1, 1, -1, -1, -1)
    folder = Path(mlflow.artifacts.download_artifacts(version.address, dst_path=str(tmp_path / "there")))
    (zipped,) = folder.glob("*.zip")
    assert zipped.read_bytes() == package.zip.read_bytes()
    kept = _client(server).list_artifacts(version.run_id, "package")
    assert [item.path for item in kept] == [f"package/{version.sha256[:12]}"]


def test_a_version_that_was_promoted_to_another_model_is_the_same_package(
    server: Server, version: Version, package: Packaged, tmp_path: Path
) -> None:
    _client(server).copy_model_version(version.address, "clinic.hippocampus")
    assert (
        fetch("models:/clinic.hippocampus/1", uri=server.uri, cache=tmp_path).read_bytes() == package.zip.read_bytes()
    )


def test_a_run_that_the_server_does_not_know_is_replaced_by_one_of_the_package(server: Server, tmp_path: Path) -> None:
    other = packaged(tmp_path / "b", note="from another machine")
    made = _publish(server, other, "1" * 32)
    run = _client(server).get_run(made.run_id)
    assert (made.is_new, run.info.run_name, run.info.status) == (
        True,
        f"package {NAME} {other.bundle.version}",
        "FINISHED",
    )
    assert fetch(made.address, uri=server.uri, cache=tmp_path).read_bytes() == other.zip.read_bytes()


def test_a_file_that_was_changed_on_the_server_is_refused(server: Server, tmp_path: Path) -> None:
    other = packaged(tmp_path / "c", note="changed later")
    made = _publish(server, other, None)
    changed = tmp_path / f"{NAME}-{other.bundle.version}.zip"
    changed.write_bytes(other.zip.read_bytes()[:-1] + b"x")
    _client(server).log_artifact(made.run_id, str(changed), f"package/{made.sha256[:12]}")
    with pytest.raises(BundleError, match="is not what was registered"):
        fetch(made.address, uri=server.uri, cache=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_clinic_goes_on_while_the_server_is_away(
    server: Server, version: Version, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = fetch(version.address, uri=server.uri, cache=tmp_path)
    server.stop()
    try:
        with caplog.at_level(logging.WARNING, logger="medseg"):
            assert fetch(version.address, uri=server.uri, cache=tmp_path) == before
        # refused, or lost where a connection from before was still open
        assert re.search(r"is away \(connection (refused|lost)\)", caplog.text)
        with pytest.raises(BundleError, match="only it knows"):
            fetch(f"models:/{NAME}/latest", uri=server.uri, cache=tmp_path)
        with pytest.raises(BundleError, match="was not fetched from it before"):
            fetch(version.address, uri=server.uri, cache=tmp_path / "empty")
    finally:
        server.start()
