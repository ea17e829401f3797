from pathlib import Path

import pytest

from medseg.core.errors import DatalistError
from medseg.steps.evaluation_strata import strata_of
from tests.evaluations import evaluation, study

EVALUATION = evaluation({"a": 0, "b": 1, "c": 2, "d": 2})


def test_structures_of_one_size_make_no_groups() -> None:
    assert strata_of(EVALUATION, None) == ((), ())


def test_each_column_groups_each_label(tmp_path: Path) -> None:
    table = tmp_path / "strata.csv"
    table.write_text("study,site\na,north\nb,north\nc,south\nd,south\n")
    tables, notes = strata_of(EVALUATION, table)
    assert notes == ()
    assert [(one.column, one.name, one.metric) for one in tables] == [
        ("site", name, metric) for name in ("whole", "core") for metric in ("dice", "hd95_mm")
    ]
    core = tables[2].groups
    assert {group: summary.mean for group, summary in core.items()} == pytest.approx({"north": 0.875, "south": 0.5})
    assert [summary.n for summary in core.values()] == [2, 2]


def test_failed_studies_are_told_in_their_group(tmp_path: Path) -> None:
    table = tmp_path / "strata.csv"
    table.write_text("study,site\na,north\nb,north\nc,south\n")
    tables, _ = strata_of(evaluation({"a": 0, "c": 1}, study("b", failure="Its prediction is missing.")), table)
    assert tables
    for one in tables:
        assert {group: (summary.failed, summary.n) for group, summary in one.groups.items()} == {
            "north": (1, 2),
            "south": (0, 1),
        }


def test_a_study_without_a_row_is_a_fault(tmp_path: Path) -> None:
    table = tmp_path / "strata.csv"
    table.write_text("study,site\na,north\n")
    with pytest.raises(DatalistError, match="study 'b' is evaluated and has no row"):
        strata_of(EVALUATION, table)
