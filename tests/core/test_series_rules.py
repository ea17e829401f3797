import re
from pathlib import Path

import pytest

from medseg.core.series_rules import DERIVED, TESTS, TIE_BREAKS, Condition, SeriesRules

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "series-rules.md"

CASES = [
    # test, operand, values, holds
    ("present", (), (500.0,), True),
    ("present", (), (), False),
    ("absent", (), (), True),
    ("absent", (), ("x",), False),
    ("in", ("IR",), ("SE", "IR"), True),  # one value is enough
    ("in", ("ir",), (" IR",), True),  # neither case nor padding counts
    ("in", ("GR",), ("SE", "IR"), False),
    ("in", ("SE",), (), False),
    ("in", (2,), (2.0,), True),
    ("in", ("2",), (2,), True),
    ("not_in", ("IR",), ("SE", "IR"), False),  # none may be there
    ("not_in", ("IR",), ("SE",), True),
    ("not_in", ("IR",), (), True),
    ("range", (400, 1500), (400,), True),  # both ends belong to it
    ("range", (400, 1500), (1500.0,), True),
    ("range", (None, 1500), (1500.1,), False),
    ("range", (2000, None), (2000, 9000), True),  # all must lie within
    ("range", (2000, None), (500, 9000), False),
    ("range", (None, 1500), (), False),
    ("range", (None, 1500), ("fast",), False),
    ("outside", (50, None), (), True),
    ("outside", (50, None), (0,), True),
    ("outside", (50, None), (0, 2600), False),
    ("matches", ("post|gd",), ("AX T1 POST",), True),  # case does not count
    ("matches", ("^t1",), ("AX T1",), False),
    ("matches", ("t1",), (), False),
    ("lacks", ("flair",), (), True),
    ("lacks", ("flair",), ("AX FLAIR",), False),
]


@pytest.mark.parametrize(("test", "operand", "values", "holds"), CASES)
def test_a_condition_holds_as_its_test_says(test: str, operand: tuple, values: tuple, holds: bool) -> None:
    assert Condition("X", test, operand).holds(values) is holds


def test_every_test_is_tried_both_ways() -> None:
    assert {(test, holds) for test, _, _, holds in CASES} == {
        (test, holds) for test in TESTS for holds in (True, False)
    }


def test_what_excludes_is_met_by_a_series_that_says_nothing() -> None:
    operands = {"range": (0, 1), "outside": (0, 1), "matches": ("a",), "lacks": ("a",)}
    silent = {test for test in TESTS if Condition("X", test, operands.get(test, ("A",))).holds(())}
    assert silent == {test for test in TESTS if Condition("X", test).excludes}


@pytest.mark.parametrize(
    ("condition", "values", "met"),
    [
        (Condition("ContrastBolusAgent", "present"), ("9 ml",), "ContrastBolusAgent present"),
        (Condition("ContrastBolusAgent", "absent"), (), "ContrastBolusAgent absent"),
        (Condition("RepetitionTime", "range", (None, 1500)), (500.0,), "RepetitionTime 500 ≤ 1500"),
        (Condition("RepetitionTime", "range", (2000, None)), (4000,), "RepetitionTime 4000 ≥ 2000"),
        (Condition("EchoTime", "range", (60, 150)), (92.5,), "EchoTime 92.5 in 60 to 150"),
        (Condition("ScanningSequence", "in", ("IR", "GR")), ("SE", "IR"), r"ScanningSequence SE\IR has IR"),
        (Condition("Modality", "in", ("MR",)), ("MR",), "Modality MR"),
        (Condition("SeriesDescription", "matches", ("post",)), ("T1post",), "SeriesDescription 'T1post' has 'post'"),
        (Condition("SeriesDescription", "lacks", ("sub",)), ("T1 post",), "SeriesDescription 'T1 post' not excluded"),
        (Condition("InversionTime", "outside", (50, None)), (), "InversionTime absent"),
    ],
)
def test_a_met_condition_says_what_was_found(condition: Condition, values: tuple, met: str) -> None:
    assert condition.holds(values)
    assert condition.met(values) == met


@pytest.mark.parametrize(
    ("condition", "values", "failed"),
    [
        (Condition("ContrastBolusAgent", "present"), (), "ContrastBolusAgent absent"),
        (Condition("ContrastBolusAgent", "absent"), ("9 ml",), "ContrastBolusAgent present"),
        (Condition("RepetitionTime", "range", (None, 1500)), (4000,), "RepetitionTime 4000, wanted ≤ 1500"),
        (Condition("RepetitionTime", "range", (None, 1500)), (), "RepetitionTime absent, wanted ≤ 1500"),
        (Condition("InversionTime", "outside", (50, None)), (900,), "InversionTime 900, excluded ≥ 50"),
        (Condition("ScanningSequence", "in", ("IR", "GR")), ("SE",), "ScanningSequence SE, wanted IR or GR"),
        (Condition("ImageType", "not_in", ("ADC",)), ("DERIVED", "ADC"), r"ImageType DERIVED\ADC, excluded ADC"),
        (
            Condition("SeriesDescription", "matches", ("post",)),
            ("T1",),
            "SeriesDescription T1, wanted a match of 'post'",
        ),
        (Condition("SeriesDescription", "lacks", ("su.",)), ("T1 sub",), "SeriesDescription 'T1 sub', excluded 'sub'"),
    ],
)
def test_a_failed_condition_says_what_was_found_and_wanted(condition: Condition, values: tuple, failed: str) -> None:
    assert not condition.holds(values)
    assert condition.failed(values) == failed


def test_many_values_and_long_patterns_are_shown_short_but_a_value_is_shown_whole() -> None:
    words = Condition("EchoTime", "range", (None, 1)).failed(tuple(range(100, 200)))
    assert words == r"EchoTime 100\101\102\103\104\105\…, wanted ≤ 1"
    assert "a" * 64 in Condition("SeriesDescription", "lacks", ("a",)).failed(("a" * 64,))
    assert len(Condition("SeriesDescription", "matches", ("b" * 500,)).failed(("a",))) < 120


def test_the_reference_lists_every_test_tie_break_and_keyword_of_medseg() -> None:
    rows = re.findall(r"^\| `\{?(\w+)", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [row for row in rows if row in (*TESTS, *DERIVED, *TIE_BREAKS)] == [*TESTS, *DERIVED, *TIE_BREAKS]


def test_rules_name_each_keyword_once() -> None:
    row = (Condition("EchoTime", "present"), Condition("EchoTime", "range", (1, 2)), Condition("SlicePlane", "present"))
    assert SeriesRules("a", {"a": (row,), "b": (row,)}).keywords == ("EchoTime", "SlicePlane")


def test_a_derived_name_is_no_dicom_keyword() -> None:
    from pydicom.datadict import keyword_dict

    assert keyword_dict.keys().isdisjoint(DERIVED)
