import os
from pathlib import Path

import pytest

from medseg.runs.tracking import ready_database
from medseg.runs.tracking_client import connect, time_for_files

TIMEOUT = "MLFLOW_HTTP_REQUEST_TIMEOUT"


def test_the_registry_is_where_the_runs_are_whatever_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", "http://127.0.0.1:9")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    ready_database(uri)
    assert list(connect(uri).search_registered_models()) == []


@pytest.mark.parametrize(("usual", "for_files"), [("5", "120"), ("600", "600")])
def test_files_have_more_time_than_numbers_and_never_less_than_the_user_gives(
    monkeypatch: pytest.MonkeyPatch, usual: str, for_files: str
) -> None:
    monkeypatch.setenv(TIMEOUT, usual)
    with time_for_files():
        assert os.environ[TIMEOUT] == for_files
    assert os.environ[TIMEOUT] == usual
