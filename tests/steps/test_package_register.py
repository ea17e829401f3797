import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medseg.core.errors import OutputError, UsageError
from medseg.runs.tracking import Plan, new_run
from medseg.steps.package_register import register_package
from medseg.steps.package_request import PackageRequest
from medseg.steps.package_source import Source
from medseg.steps.packaging import Package
from tests.packages import NAME, packaged

AWAY = "http://127.0.0.1:9"  # nothing answers there


@pytest.fixture
def runs(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of all runs, with the MLflow that they use where nothing else is said."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "runs").mkdir()
    shutil.copyfile(store / "mlflow.db", tmp_path / "runs" / "mlflow.db")
    return tmp_path / "runs"


@pytest.fixture
def package_of(tmp_path: Path) -> Callable[..., Package]:
    """Makes the package of a run, or of none."""

    def make(run: Path | None, **record: Any) -> Package:
        made = packaged(tmp_path / "made")
        if run is not None:
            run.mkdir(parents=True, exist_ok=True)
            (run / "run.json").write_text(json.dumps(record))
        return Package(made.zip, made.manifest, Source(made.bundle, run, record, {"train": []}))

    return make


def asked(**changes: Any) -> PackageRequest:
    return replace(PackageRequest(run="run", output=Path("x.zip")), **changes)


def address(folder: Path) -> str:
    return f"sqlite:///{folder / 'mlflow.db'}"


def versions(folder: Path) -> list[Any]:
    from mlflow import MlflowClient

    return list(MlflowClient(address(folder), registry_uri=address(folder)).search_model_versions(f"name='{NAME}'"))


def tracked_id(runs: Path) -> str:
    run = new_run(Plan(address(runs), runs / "files", NAME, "training"))
    run.close("FINISHED")
    return run.id


def test_a_tracked_run_gets_its_package_where_it_is_tracked(
    runs: Path, package_of: Callable[..., Package], said: list[str]
) -> None:
    run_id = tracked_id(runs)
    register_package(package_of(runs / NAME / "first", mlflow_run_id=run_id), asked(), say=said.append)
    (version,) = versions(runs)
    assert (int(version.version), version.run_id) == (1, run_id)
    assert version.tags["manifest.training.seed"] == "7"
    assert said == [f"registered as models:/{NAME}/1 in {address(runs)}"]


def test_a_fold_is_three_folders_below_its_mlflow(
    runs: Path, package_of: Callable[..., Package], said: list[str]
) -> None:
    run = runs / NAME / "cv" / "fold0"
    package = package_of(run, mlflow_run_id=tracked_id(runs), request={"within": "cv"})
    register_package(package, asked(), say=said.append)
    assert len(versions(runs)) == 1
    assert [path.name for path in (runs / NAME).iterdir()] == ["cv"]


def test_nothing_is_registered_of_a_run_that_was_not_tracked(
    runs: Path, package_of: Callable[..., Package], said: list[str]
) -> None:
    register_package(package_of(runs / NAME / "first"), asked(), say=said.append)
    assert (versions(runs), said) == ([], [])


def test_nothing_is_registered_of_a_bundle_of_no_run(
    runs: Path, package_of: Callable[..., Package], said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(runs.parent)  # its runs/mlflow.db is nobody's word
    register_package(package_of(None), asked(), say=said.append)
    assert (versions(runs), said) == ([], [])


def test_nothing_is_asked_where_no_tracking_is_wanted(
    runs: Path, package_of: Callable[..., Package], said: list[str]
) -> None:
    package = package_of(runs / NAME / "first", mlflow_run_id=tracked_id(runs))
    register_package(package, asked(tracking=False, tracking_uri=AWAY), say=said.append)
    assert (versions(runs), said) == ([], [])


def test_an_mlflow_that_is_named_gets_the_package_of_any_bundle(
    runs: Path, package_of: Callable[..., Package], said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    register_package(package_of(None), asked(tracking_uri=address(runs)), say=said.append)
    assert said == [f"registered as models:/{NAME}/1 in {address(runs)}"]


def test_a_run_that_was_moved_makes_no_mlflow_where_it_lies_now(
    runs: Path, package_of: Callable[..., Package], said: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    package = package_of(tmp_path / "elsewhere" / NAME / "first", mlflow_run_id=tracked_id(runs))
    with caplog.at_level(logging.WARNING, logger="medseg"):
        register_package(package, asked(), say=said.append)
    assert "is not there (any more)" in caplog.text
    assert "give --tracking-uri" in caplog.text
    assert (said, list((tmp_path / "elsewhere").iterdir())) == ([], [tmp_path / "elsewhere" / NAME])


def test_a_run_at_the_top_of_a_disk_is_packaged_all_the_same(
    package_of: Callable[..., Package],
    said: list[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As where a container mounts it: there are no two folders above it."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr("medseg.steps.evaluation_tracking.read_record", lambda path: {"mlflow_run_id": "0" * 32})
    made = package_of(None)
    package = replace(made, source=replace(made.source, run=Path("/run-of-a-test")))
    with caplog.at_level(logging.WARNING, logger="medseg"):
        register_package(package, asked(), say=said.append)
    assert "sqlite:////mlflow.db is not there" in caplog.text
    assert said == []


def test_an_mlflow_that_is_away_is_a_warning_where_the_training_named_it(
    runs: Path, package_of: Callable[..., Package], said: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    package = package_of(runs / NAME / "first", mlflow_run_id="0" * 32, request={"tracking_uri": AWAY})
    with caplog.at_level(logging.WARNING, logger="medseg"):
        register_package(package, asked(), say=said.append)
    assert f"MLflow at {AWAY} did not register" in caplog.text
    assert said == []


def test_an_mlflow_that_is_away_is_an_error_where_the_user_names_it(
    runs: Path, package_of: Callable[..., Package], said: list[str]
) -> None:
    package = package_of(runs / NAME / "first", mlflow_run_id="0" * 32)
    with pytest.raises(OutputError, match=f"MLflow at {AWAY} did not register .* The package is whole"):
        register_package(package, asked(tracking_uri=AWAY), say=said.append)


def test_an_address_of_the_environment_that_is_none_costs_a_warning_and_no_package(
    runs: Path,
    package_of: Callable[..., Package],
    said: list[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "file:///x")
    package = package_of(runs / NAME / "first", mlflow_run_id="0" * 32)
    with caplog.at_level(logging.WARNING, logger="medseg"):
        register_package(package, asked(), say=said.append)
    assert "MLFLOW_TRACKING_URI 'file:///x'" in caplog.text
    with pytest.raises(UsageError, match="--tracking-uri 'file:///y'"):
        register_package(package, asked(tracking_uri="file:///y"), say=said.append)


def test_a_package_whose_name_means_something_else_to_others_is_found(
    runs: Path, package_of: Callable[..., Package], said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As "~x", which is a home folder elsewhere."""
    made = package_of(None)
    monkeypatch.chdir(tmp_path)
    shutil.copy(made.path, tmp_path / "~x.zip")
    register_package(replace(made, path=Path("~x.zip")), asked(tracking_uri=address(runs)), say=said.append)
    assert len(versions(runs)) == 1
