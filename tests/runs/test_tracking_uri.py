"""Which MLflow is used, and which addresses are refused before anything starts."""

from pathlib import Path

import pytest

from medseg.core.errors import UsageError
from medseg.runs.tracking_uri import artifact_root, choose_uri, default_uri, sqlite_path, without_credentials


def test_without_a_word_it_is_a_database_in_the_output(tmp_path: Path) -> None:
    assert choose_uri(None, tmp_path, {}) == f"sqlite:///{tmp_path}/mlflow.db" == default_uri(tmp_path)
    assert sqlite_path(default_uri(tmp_path)) == tmp_path / "mlflow.db"
    assert artifact_root(tmp_path) == tmp_path / "mlartifacts"


def test_the_environment_wins_over_the_default_and_the_flag_over_both(tmp_path: Path) -> None:
    environment = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:5000"}
    assert choose_uri(None, tmp_path, environment) == "http://127.0.0.1:5000"
    assert choose_uri("https://mlflow.local", tmp_path, environment) == "https://mlflow.local"
    assert choose_uri(None, tmp_path, {"MLFLOW_TRACKING_URI": ""}) == default_uri(tmp_path)


def test_a_relative_output_gives_an_address_that_holds_from_everywhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert default_uri(Path("runs")) == f"sqlite:///{tmp_path}/runs/mlflow.db"


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("./mlruns", "no longer keeps runs in plain files"),
        ("/data/mlruns", "no longer keeps runs in plain files"),
        ("file:///data/mlruns", "no longer keeps runs in plain files"),
        ("htp://host", "has the scheme 'htp'"),
        ("postgresql://u:p@host/db", "has the scheme 'postgresql'"),
        ("databricks", "no longer keeps runs in plain files"),
        ("http://", "names no host"),
        ("http://host:port", "is no address"),
        ("sqlite://", "names no file"),
        ("sqlite:///", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:////tmp", "is a folder"),
        ("sqlite:////tmp/what?.db", r"holds '\?'"),
        ("", "no longer keeps runs in plain files"),
    ],
)
def test_an_address_that_cannot_work_is_refused_with_its_reason(uri: str, reason: str) -> None:
    with pytest.raises(UsageError, match=rf"--tracking-uri '.*{reason}.*--no-tracking") as caught:
        choose_uri(uri, Path("runs"), {})
    assert "u:p" not in str(caught.value)


def test_the_refusal_names_the_variable_where_the_address_came_from_it() -> None:
    with pytest.raises(UsageError, match=r"MLFLOW_TRACKING_URI '\./mlruns'"):
        choose_uri(None, Path("runs"), {"MLFLOW_TRACKING_URI": "./mlruns"})


def test_an_output_that_no_address_can_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds '%'"):
        choose_uri(None, tmp_path / "100%", {})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://host:1/x", "http://host:1/x"),
        ("see https://anna:s3cret@host/x and @you", "see https://host/x and @you"),
        ("http://anna:p@ss@host/", "http://host/"),
        ("sqlite:////home/a@b/mlflow.db", "sqlite:////home/a@b/mlflow.db"),
    ],
)
def test_users_and_passwords_are_not_shown(text: str, shown: str) -> None:
    assert without_credentials(text) == shown
