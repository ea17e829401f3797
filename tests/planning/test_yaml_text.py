import math

import pytest
import yaml

from medseg.planning.yaml_text import Row, section, written

NUMBERS = [0, -3, 0.0, 1.0, 0.01, 1e-3, 3.0e-5, -2.5e-7, 123456.75, 1.5e20]
TEXTS = ["yes", "off", "3", "RAS", "a: b", '"quoted" \\ #', "", "../x"]
VALUES = [True, False, None, *NUMBERS, *TEXTS, [1, [2.0, "n"]], {"a b": [1.5, None], "ok": {"no": "x"}}]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_is_read_as_it_was_given(value: object) -> None:
    assert yaml.safe_load(f"key: {written(value)}") == {"key": value}


@pytest.mark.parametrize(("value", "text"), [(1e-3, "1.0e-3"), (0.25, "0.25"), (2.0, "2.0"), (2.5e-4, "2.5e-4")])
def test_small_numbers_have_a_point_and_an_exponent(value: float, text: str) -> None:
    assert written(value) == text


def test_no_float_becomes_text() -> None:
    for exponent in range(-12, 25):
        value = 1.7 * 10.0**exponent
        assert math.isclose(yaml.safe_load(written(value)), value, rel_tol=1e-3)


def test_comments_stand_in_one_column() -> None:
    lines = section([Row("a", 1, "one"), Row("longer", [1, 2], "two"), Row("bare", None)])
    assert [line.find("#") for line in lines] == [32, 32, -1]
    assert yaml.safe_load("top:\n" + "\n".join(lines)) == {"top": {"a": 1, "longer": [1, 2], "bare": None}}


def test_a_comment_stays_on_its_line_whatever_names_it_holds() -> None:
    lines = section([Row("a", 1, "from head\nkey: 2 to \u2028tail\x07"), Row("b", 2, "two")])
    assert lines[0].endswith("# from head key: 2 to tail")
    assert yaml.safe_load("\n".join(lines)) == {"a": 1, "b": 2}


def test_a_long_value_moves_the_column() -> None:
    lines = section([Row("a", 1, "one"), Row("b", list(range(12)), "two")])
    assert lines[0].index("#") == lines[1].index("#") > 32
