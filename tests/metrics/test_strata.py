"""Groups of studies from their sizes and from a table."""

import math
from pathlib import Path

import pytest

from medseg.core.errors import DatalistError, FileError
from medseg.metrics.strata import read_strata, size_terciles, stratify


def _csv(folder: Path, text: str) -> Path:
    path = folder / "strata.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_sizes_fall_into_three_groups_of_two() -> None:
    volumes = {"a": 1.0, "b": 6.0, "c": 2.0, "d": 30.0, "e": 3.0, "f": 20.0}
    groups = size_terciles(volumes)
    assert [groups[study].split(" ")[0] for study in "acebfd"] == ["small"] * 2 + ["medium"] * 2 + ["large"] * 2
    # Of the five steps from 1 over 2, 3, 6 and 20 to 30, a third is 1 2/3 (2 + 2/3), two thirds 3 1/3 (6 + 14/3).
    assert groups["a"] == "small (up to 2.67 ml)"
    assert groups["d"] == "large (above 10.7 ml)"


def test_what_the_reference_lacks_is_a_group_of_its_own() -> None:
    groups = size_terciles({"a": 1.0, "b": 2.0, "c": 3.0, "d": 0.0, "e": math.nan})
    assert groups["d"] == "absent"
    assert "e" not in groups


def test_equal_sizes_are_not_torn_apart() -> None:
    groups = size_terciles({"a": 1.0, "b": 1.0, "c": 1.0, "d": 2.0, "e": 3.0})
    assert groups["a"] == groups["b"] == groups["c"]


def test_limits_get_as_many_digits_as_tell_them_apart() -> None:
    groups = size_terciles({"a": 5.0, "b": 5.002, "c": 5.004, "d": 5.006})
    assert set(groups.values()) == {"small (up to 5.002 ml)", "medium (up to 5.004 ml)", "large (above 5.004 ml)"}


def test_a_limit_that_is_both_thirds_keeps_three_digits() -> None:
    groups = size_terciles(dict.fromkeys("abcdef", 1.2345) | {"g": 2.0, "h": 3.0})
    assert set(groups.values()) == {"small (up to 1.23 ml)", "large (above 1.23 ml)"}


def test_two_sizes_make_no_thirds() -> None:
    assert size_terciles({"a": 1.0, "b": 2.0, "c": 2.0}) == dict.fromkeys("abc", "any size")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_is_read_whatever_separates_its_cells(tmp_path: Path, separator: str) -> None:
    text = "Study,site,sex\na,north,F\n\nb, south ,\nnot evaluated,east,M\n".replace(",", separator)
    strata = read_strata(_csv(tmp_path, "\ufeff" + text), ["a", "b"])
    assert strata.columns == {"site": {"a": "north", "b": "south"}, "sex": {"a": "F", "b": "not given"}}
    assert strata.skipped == ()


def test_quoted_cells_may_hold_the_separator(tmp_path: Path) -> None:
    strata = read_strata(_csv(tmp_path, 'study,scanner\na,"Aera, 1.5 T"\n'), ["a"])
    assert strata.columns["scanner"] == {"a": "Aera, 1.5 T"}


def test_ages_are_cut_into_thirds_and_names_are_no_groups(tmp_path: Path) -> None:
    studies = [f"s{n}" for n in range(15)]
    rows = "\n".join(f"{study},{20 + n},word {n}" for n, study in enumerate(studies))
    strata = read_strata(_csv(tmp_path, f"study,age,remark\n{rows}\n"), studies)
    assert sorted(set(strata.columns["age"].values())) == [
        "high (above 29.3)",
        "low (up to 24.7)",
        "middle (up to 29.3)",
    ]
    assert strata.skipped == ("remark",)


def test_every_fault_of_a_table_is_told_at_once(tmp_path: Path) -> None:
    path = _csv(tmp_path, "study,site,site\na,x,y\na,x,y\n\nb,x\n,x,y\n")
    with pytest.raises(DatalistError) as caught:
        read_strata(path, ["a", "b", "c"])
    assert str(caught.value).splitlines()[1:] == [
        "  column 'site' is there 2 times",
        "  line 5 has 2 cells, the header 3",
        "  line 6 has no study id",
        "  study 'a' has 2 rows; keep one",
        "  study 'c' is evaluated and has no row",
    ]


@pytest.mark.parametrize(("header", "said"), [("name,site", "none of 'name', 'site'"), ("id,study", "2 of 'id'")])
def test_one_column_must_hold_the_study_ids(tmp_path: Path, header: str, said: str) -> None:
    with pytest.raises(DatalistError, match=f"must be called study or study_id or id; {said}"):
        read_strata(_csv(tmp_path, f"{header}\na,x\n"), ["a"])


def test_a_file_that_is_absent_empty_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="Cannot read"):
        read_strata(tmp_path / "none.csv", [])
    with pytest.raises(FileError, match="is empty"):
        read_strata(_csv(tmp_path, "\n\n"), [])
    (tmp_path / "strata.csv").write_bytes(b"study\n\xff\xfe")
    with pytest.raises(FileError, match="not UTF-8"):
        read_strata(tmp_path / "strata.csv", [])


def test_a_quotation_mark_that_is_never_closed_is_told_with_its_line(tmp_path: Path) -> None:
    open_quote = 'study,site\na,north\nb,"south\n' + "c,east\n" * 20_000
    with pytest.raises(FileError, match=r"strata\.csv' is no CSV table: line \d+: field larger than .*not closed"):
        read_strata(_csv(tmp_path, open_quote), ["a"])


def test_scores_are_summarised_group_by_group_in_a_sensible_order() -> None:
    groups = {"a": "large (above 9 ml)", "b": "small (up to 3 ml)", "c": "small (up to 3 ml)", "d": "absent"}
    table = stratify({"a": 0.9, "b": 0.4, "c": 0.6, "d": math.nan, "e": 0.1}, groups, seed=0)
    assert list(table) == ["small (up to 3 ml)", "large (above 9 ml)", "absent"]
    assert table["small (up to 3 ml)"].mean == pytest.approx(0.5)
    assert (table["absent"].n, table["absent"].not_scored) == (0, 1)


def test_age_bands_stand_in_the_order_of_their_numbers() -> None:
    groups = {"a": "10-20", "b": "5-10", "c": "not given", "d": "adult"}
    assert list(stratify(dict.fromkeys("abcd", 1.0), groups, seed=0)) == ["5-10", "10-20", "adult", "not given"]


def test_failed_studies_are_counted_in_their_group() -> None:
    groups = {"a": "x", "b": "x", "c": "y"}
    table = stratify({"a": 0.0, "b": 0.7, "c": 0.0}, groups, seed=0, failed={"a", "c", "elsewhere"})
    assert {group: (one.failed, one.n) for group, one in table.items()} == {"x": (1, 2), "y": (1, 1)}


def test_patients_count_in_each_group() -> None:
    table = stratify({"a": 0.1, "b": 0.2}, {"a": "x", "b": "x"}, seed=0, patients={"a": "p", "b": "p"})
    assert table["x"].patients == 1
