import logging
import shutil
from pathlib import Path
from typing import Any

import pytest

from medseg.bundle.contents import contents_of
from medseg.bundle.minisign import new_key
from medseg.core.errors import OutputError, UsageError
from medseg.core.files import digest_of_file
from medseg.runs.tracking import Plan, new_run
from medseg.steps.registry import fetch
from medseg.steps.registry_publish import Version, publish, tags_of
from tests.packages import NAME, Packaged, packaged


@pytest.fixture
def mlflow(store: Path, tmp_path: Path) -> Path:
    """Folder with an MLflow database of this test alone."""
    shutil.copyfile(store / "mlflow.db", tmp_path / "mlflow.db")
    return tmp_path


def address(mlflow: Path) -> str:
    return f"sqlite:///{mlflow / 'mlflow.db'}"


def client(mlflow: Path) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(address(mlflow), registry_uri=address(mlflow))


def put(package: Packaged, mlflow: Path, *, run_id: str | None = None, place: Path | None = None) -> Version:
    return publish(
        place or package.zip,
        bundle=package.bundle,
        run_id=run_id,
        uri=address(mlflow),
        artifact_root=mlflow / "files",
        manifest=package.manifest,
    )


def ended_run(mlflow: Path) -> str:
    run = new_run(Plan(address(mlflow), mlflow / "files", NAME, "training"))
    run.close("KILLED")
    return run.id


def test_a_package_becomes_a_file_of_its_run_and_a_version_with_card_tags_and_signature(mlflow: Path) -> None:
    from mlflow.models import Model

    package, run_id = packaged(mlflow / "a"), ended_run(mlflow)
    before = package.zip.read_bytes()
    made = put(package, mlflow, run_id=run_id)
    sha256 = digest_of_file(package.zip)
    assert made == Version(NAME, 1, run_id, sha256, address(mlflow), True)
    assert made.address == f"models:/{NAME}/1"
    assert package.zip.read_bytes() == before

    version, run = client(mlflow).get_model_version(NAME, "1"), client(mlflow).get_run(run_id)
    assert (version.run_id, version.status, run.info.status) == (run_id, "READY", "KILLED")
    assert version.description == (package.bundle.root / "docs" / "README.md").read_text()[:4999] + "…"
    assert version.tags["package.sha256"] == sha256
    assert version.tags["package.manifest_sha256"] == digest_of_file(package.bundle.root / "manifest.json")
    assert version.tags["package.signed"] == "no"
    assert version.tags["intended_use"].startswith("Research on the hippocampus")
    assert version.tags["dice.anterior"] == "0.901 (0.888 to 0.911, n = 43)"
    assert (version.tags["bundle_version"], version.tags["manifest.versions.medseg"]) == (package.bundle.version, "1.0")
    assert not any(key.startswith(("manifest.files", "dice.policy")) or "commit" in key for key in version.tags)

    place = Path(run.info.artifact_uri.removeprefix("file://")) / "package" / sha256[:12]
    assert sorted(path.name for path in place.iterdir()) == ["MLmodel", f"{NAME}-{package.bundle.version}.zip"]
    assert Model.load(str(place)).signature.inputs.inputs[0].shape == (-1, 1, -1, -1, -1)
    assert "package" in client(mlflow).get_registered_model(NAME).latest_versions[0].source


def test_the_same_zip_is_registered_once(mlflow: Path) -> None:
    package, run_id = packaged(mlflow / "a"), ended_run(mlflow)
    first, second = put(package, mlflow, run_id=run_id), put(package, mlflow)
    assert (second.number, second.run_id, second.is_new) == (first.number, run_id, False)
    assert len(client(mlflow).search_model_versions(f"name = '{NAME}'")) == 1


def test_another_package_of_a_run_leaves_the_first_as_it_is(mlflow: Path) -> None:
    one, other, run_id = packaged(mlflow / "a"), packaged(mlflow / "b", note="second"), ended_run(mlflow)
    assert [put(package, mlflow, run_id=run_id).number for package in (one, other)] == [1, 2]
    for number, package in ((1, one), (2, other)):
        found = fetch(f"models:/{NAME}/{number}", uri=address(mlflow), cache=mlflow / "cache")
        assert found.read_bytes() == package.zip.read_bytes()


@pytest.mark.parametrize("gone", [None, "0" * 32, "deleted", "no such id / at all"])
def test_without_its_run_a_package_gets_one_of_its_own(mlflow: Path, gone: str | None) -> None:
    if gone == "deleted":
        gone = ended_run(mlflow)
        client(mlflow).delete_run(gone)
    package = packaged(mlflow / "a")
    made = put(package, mlflow, run_id=gone)
    run = client(mlflow).get_run(made.run_id)
    assert made.run_id != gone
    assert (run.info.run_name, run.info.status) == (f"package {NAME} {package.bundle.version}", "FINISHED")
    assert client(mlflow).get_experiment(run.info.experiment_id).name == NAME


def test_a_folder_gives_the_same_zip_each_time(mlflow: Path) -> None:
    package = packaged(mlflow / "a")
    first, second = (put(package, mlflow, place=package.bundle.root) for _ in range(2))
    assert (first.is_new, second.is_new) == (True, False)
    zipped = contents_of(fetch(first.address, uri=address(mlflow), cache=mlflow / "cache"))
    folder = contents_of(package.bundle.root)
    assert zipped.names == folder.names
    for name in zipped.names:
        with zipped.stream(name) as one, folder.stream(name) as other:
            assert one.read() == other.read()


def test_who_signed_is_told(tmp_path: Path) -> None:
    key = new_key()
    package = packaged(tmp_path / "a", key=key)
    tags = tags_of(package.zip, contents_of(package.zip), package.bundle, package.manifest)
    assert (tags["package.signed"], tags["package.key_id"]) == ("yes", key.public.name)


def test_an_mlflow_that_is_away_is_told_in_one_line_without_its_password(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    package = packaged(tmp_path / "a")
    before = package.zip.read_bytes()
    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(OutputError, match=r"did not register.*connection refused") as raised,
    ):
        publish(
            package.zip,
            bundle=package.bundle,
            run_id="1a",
            uri="http://someone:secret@127.0.0.1:9",
            artifact_root=tmp_path,
            manifest={},
        )
    assert "secret" not in str(raised.value) + caplog.text
    assert "\n" not in str(raised.value)
    assert package.zip.read_bytes() == before


def test_a_run_that_was_made_for_a_package_that_is_refused_is_marked_failed(mlflow: Path) -> None:
    package = packaged(mlflow / "a")
    (mlflow / "files").write_text("a file where the folder of the runs' files would be")
    with pytest.raises(OutputError, match="did not register"):
        put(package, mlflow)
    (experiment,) = (one for one in client(mlflow).search_experiments() if one.name == NAME)
    assert [run.info.status for run in client(mlflow).search_runs([experiment.experiment_id])] == ["FAILED"]


def test_an_address_that_medseg_does_not_use_is_refused(tmp_path: Path) -> None:
    package = packaged(tmp_path / "a")
    with pytest.raises(UsageError, match="no longer keeps runs in plain files"):
        publish(package.zip, bundle=package.bundle, run_id=None, uri="mlruns", artifact_root=tmp_path, manifest={})
