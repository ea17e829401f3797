"""run.json: what was run and how it ended."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medseg.core.errors import FileError, OutputError
from medseg.core.files import write_json
from medseg.runs import record as module
from medseg.runs.record import (
    finish_record,
    git_commit,
    host,
    read_inference,
    read_record,
    spent_s,
    start_record,
    versions,
)


def _start(path: Path, **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "argv": ["medseg", "train"],
        "bundle": "b",
        "bundle_digest": "1a",
        "data_digest": "2b",
        "seed": 3,
        "device": "cpu",
        "precision": "bf16",
        "split": {"train": ["a"], "holdout": ["c"]},
    }
    return start_record(path, **(values | changes))


def test_a_run_is_running_until_it_is_finished(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    assert _start(path) == read_record(path)
    assert read_record(path)["outcome"] == "running"
    finish_record(path, outcome="stopped", seconds=12.345, reason="no better for 5 epochs", data_wait=0.03)
    record = read_record(path)
    assert (record["outcome"], record["seconds"], record["reason"]) == ("stopped", 12.3, "no better for 5 epochs")
    assert record["data_wait"] == 0.03
    assert record["bundle"] == {"name": "b", "digest": "1a"}
    assert record["split"] == {"train": ["a"], "holdout": ["c"]}


def test_a_resumed_run_keeps_what_it_did_before(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    _start(path)
    finish_record(path, outcome="interrupted", seconds=5.0, reason="Ctrl-C")
    _start(path, argv=["medseg", "train", "--resume"])
    finish_record(path, outcome="interrupted", seconds=6.0)
    third = _start(path)
    assert [entry["reason"] for entry in third["earlier"]] == ["Ctrl-C", None]
    assert [entry["seconds"] for entry in third["earlier"]] == [5.0, 6.0]


def test_a_damaged_record_does_not_keep_a_run_from_starting(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text('{"outcome": "runn')
    assert _start(path)["earlier"] == []


def test_versions_are_those_of_the_libraries_themselves() -> None:
    found = versions()
    assert found["python"] == platform.python_version()
    assert found["numpy"] == np.__version__
    assert {"torch", "monai", "mlflow", "medseg"} <= set(found)


def test_nothing_heavy_is_imported_for_a_record() -> None:
    code = "import sys, medseg.runs.record as r; r.versions(); print({'torch', 'mlflow', 'monai'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"


def test_the_host_has_no_name() -> None:
    described = host()
    assert described["cores"] >= 1
    assert described["memory_gib"] > 0
    assert not platform.node() or platform.node() not in json.dumps(described)


def test_passwords_in_addresses_are_not_kept(tmp_path: Path) -> None:
    record = _start(tmp_path / "run.json", argv=["train", "--tracking-uri=http://anna:p@ss@mlflow.local:5000/x"])
    assert record["argv"][1] == "--tracking-uri=http://mlflow.local:5000/x"


def _repository(folder: Path) -> Path:
    package = folder / "medseg"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    settings = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
    for words in (["init", "-q"], ["add", "."], [*settings, "commit", "-q", "-m", "one"]):
        subprocess.run(["git", "-C", str(folder), *words], check=True)
    return package / "__init__.py"


def test_the_commit_is_that_of_the_checkout_and_says_where_files_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _repository(tmp_path)
    monkeypatch.setattr(module.medseg, "__file__", str(file))
    head = subprocess.run(["git", "-C", str(tmp_path), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert git_commit() == head.stdout.strip()
    file.write_text("x = 1\n")
    assert git_commit() == head.stdout.strip() + "+changes"


def test_the_commit_of_someone_elses_checkout_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _repository(tmp_path)
    installed = tmp_path / "venv" / "medseg" / "__init__.py"
    installed.parent.mkdir(parents=True)
    installed.write_text("")
    monkeypatch.setattr(module.medseg, "__file__", str(installed))
    assert git_commit() is None


def test_no_git_at_all_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert git_commit() is None


def test_a_record_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="No such file"):
        read_record(tmp_path / "run.json")
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(FileError, match="holds list"):
        read_record(tmp_path / "run.json")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Cannot write"):
        _start(tmp_path / "file" / "run.json")


def test_the_time_of_all_sittings_counts_but_of_one_that_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    for seconds in (60.0, None, 30.5):
        _start(path)
        if seconds is not None:
            finish_record(path, outcome="interrupted", seconds=seconds)
    _start(path)
    assert spent_s(read_record(path)) == 90.5


# The parts of an inference


def _part(folder: Path, name: str, studies: list[str], when: int, **more: Any) -> None:
    record = {"verb": "infer", "outcome": "finished", "bundle": {"digest": "d"}} | more
    write_json(folder / name, record | {"studies": [{"study": one, "from": name} for one in studies]})
    os.utime(folder / name, (when, when))


def test_parts_say_together_what_each_says_and_the_last_counts(tmp_path: Path) -> None:
    _part(tmp_path, "run.json", ["a", "b", "c"], 1)
    _part(tmp_path, "run-1-of-2.json", ["a", "c"], 2)
    _part(tmp_path, "run-2-of-2.json", ["b"], 3)
    told = read_inference(tmp_path)
    assert {one["study"]: one["from"] for one in told["studies"]} == {
        "a": "run-1-of-2.json",
        "b": "run-2-of-2.json",
        "c": "run-1-of-2.json",
    }
    assert (told["outcome"], told["bundle"]["digest"]) == ("finished", "d")


@pytest.mark.parametrize("there", [("run-1-of-3.json", "run-3-of-3.json"), ("run-1-of-2.json", "run-2-of-2.json")])
def test_parts_are_finished_when_all_are(tmp_path: Path, there: tuple[str, str]) -> None:
    for n, name in enumerate(there):
        _part(tmp_path, name, [str(n)], n, outcome="interrupted" if name == "run-2-of-2.json" else "finished")
    assert read_inference(tmp_path)["outcome"] == "interrupted"


def test_parts_by_different_models_have_no_digest(tmp_path: Path) -> None:
    _part(tmp_path, "run-1-of-2.json", ["a"], 1)
    _part(tmp_path, "run-2-of-2.json", ["b"], 2, bundle={"digest": "e"})
    assert read_inference(tmp_path)["bundle"]["digest"] is None


def test_a_single_record_is_as_it_is(tmp_path: Path) -> None:
    _part(tmp_path, "run.json", ["a"], 1)
    assert read_inference(tmp_path) == read_record(tmp_path / "run.json")
    with pytest.raises(FileError, match="Cannot read"):
        read_inference(tmp_path / "none")
