from pathlib import Path

import pytest

from medseg.core.errors import OutputError
from medseg.runs.evaluation_facts import EvaluationFacts
from medseg.steps.evaluation import write_evaluation
from tests.evaluations import evaluation

FIRST, SECOND = (EvaluationFacts(name, evaluation({"a": shift})) for name, shift in (("first", 0), ("second", 2)))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_second_evaluation_takes_the_place_of_the_first(tmp_path: Path) -> None:
    write_evaluation(tmp_path, FIRST, report=True)
    write_evaluation(tmp_path, SECOND, report=False)
    assert set(contents(tmp_path)) == {"summary.json", "per_study.csv", "per_lesion.csv"}
    assert b'"title": "second"' in contents(tmp_path)["summary.json"]


@pytest.mark.parametrize("error", [OutputError("no space left"), KeyboardInterrupt()])
def test_what_ends_the_writing_leaves_the_first_whole(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_evaluation(tmp_path, FIRST, report=False)
    before = contents(tmp_path)

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("medseg.steps.evaluation.write_summary", fail)
    with pytest.raises(type(error)):
        write_evaluation(tmp_path, SECOND, report=False)
    assert contents(tmp_path) == before


def test_every_table_and_picture_says_by_which_policy(tmp_path: Path) -> None:
    write_evaluation(tmp_path, FIRST, report=True)
    digest = FIRST.evaluation.policy.digest.encode()
    found = contents(tmp_path)
    assert len(found) > 5
    assert [name for name, content in found.items() if digest not in content] == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Cannot write to"):
        write_evaluation(tmp_path / "file" / "out", FIRST, report=False)
