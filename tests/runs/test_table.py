"""Tables for people and for programs."""

import math
from pathlib import Path

from medseg.runs.table import format_table, write_csv


def test_words_stand_left_and_numbers_right() -> None:
    text = format_table(["study", "Dice", "n"], [["a", 0.5, 10], ["long name", math.nan, None]])
    assert text.splitlines() == [
        "study       Dice   n",
        "---------  -----  --",
        "a          0.500  10",
        "long name      -   -",
    ]


def test_a_table_without_rows_is_its_header() -> None:
    assert format_table(["a", "b"], []).splitlines() == ["a  b", "-  -"]


def test_csv_keeps_commas_and_leaves_gaps_empty(tmp_path: Path) -> None:
    write_csv(tmp_path / "t.csv", ["study", "Dice"], [["a, b", 1 / 3], ["c", math.nan], ["d", None]])
    assert (tmp_path / "t.csv").read_text() == 'study,Dice\n"a, b",0.333333\nc,\nd,\n'
