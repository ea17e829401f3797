"""Each bad input ends in one clear message and leaves nothing half-done; the page lists just what is said."""

import json
from pathlib import Path

import bad_inputs
import bad_inputs_page
import pytest
import tiny
from bad_inputs import Row
from damage import Place


@pytest.fixture
def place(tmp_path: Path, tiny_bundle: Path, tiny_run: Path, tiny_cohort: Path) -> Place:
    """Where a row is made."""
    return Place(tmp_path, tiny_bundle, tiny_run, tiny_cohort)


def _page_rows() -> list[str]:
    return [line for line in bad_inputs_page.PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]


def _page_line(row: Row) -> str:
    return next((line for line in _page_rows() if line.startswith(f"| {row.name} |")), "")


def test_there_are_many_rows_and_each_has_a_name_of_its_own() -> None:
    names = [row.name for row in bad_inputs.ROWS]
    assert len(names) >= 30
    assert len(set(names)) == len(names)


def test_the_page_lists_exactly_the_rows_of_the_table() -> None:
    listed = [line.split(" | ")[0].removeprefix("| ") for line in _page_rows()]
    assert [name for name in listed if name not in ("What is wrong", "---")] == [row.name for row in bad_inputs.ROWS]


@pytest.mark.parametrize("row", bad_inputs.ROWS, ids=lambda row: row.name.replace(" ", "_"))
def test_a_bad_input_gets_one_clear_message(row: Row, place: Place) -> None:
    tried = bad_inputs_page.try_row(row, place)
    assert tried.answer.code == row.code, tried.answer.err
    assert [part for part in row.says if part not in tried.message] == [], tried.message
    assert "Traceback" not in tried.answer.err
    assert "Unexpected" not in tried.message
    assert len([line for line in tried.answer.err.splitlines() if line.startswith("medseg: ")]) == (
        row.code != 3 and not row.in_table
    )
    assert _outcomes(row, place) == ([] if row.leaves == "nothing" else [row.leaves])
    assert not [name for name in tiny.files_below(place.root) if ".tmp-" in name]
    assert bad_inputs_page.page_line(row, place, tried) == _page_line(row), "write the page again"


def _outcomes(row: Row, place: Place) -> list[str]:
    """How each run and inference made by the row says it ended."""
    folders = [place.out] if place.out.is_dir() else []
    folders += [place.root / "run"] if row.leaves == "interrupted" else []
    records = [path for folder in folders for path in sorted(folder.rglob("run.json"))]
    return [json.loads(path.read_text()).get("outcome") for path in records if path.parent.name != "first"]
