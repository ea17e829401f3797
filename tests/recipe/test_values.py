from typing import Annotated, Any

import pytest

from medseg.core.recipe import Limits
from medseg.recipe.values import fit

SHARE = Annotated[float, Limits(0.0, 1.0)]
POSITIVE = Annotated[float, Limits(0.0, open_low=True)]
COUNT = Annotated[int, Limits(1)]
MAYBE = Annotated[int | None, Limits(1)]
WORD = Annotated[str, Limits(choices=("adamw", "sgd"))]
COUNTS = Annotated[tuple[int, ...], Limits(1)]
RANGE = tuple[float, float]


@pytest.mark.parametrize(
    ("value", "annotation", "fitted"),
    [
        (1, SHARE, 1.0),
        (0.5, SHARE, 0.5),
        (3, COUNT, 3),
        (None, MAYBE, None),
        (4, MAYBE, 4),
        ("sgd", WORD, "sgd"),
        (True, bool, True),
        ([16, 16, 1], COUNTS, (16, 16, 1)),
        ([-15, 15.5], RANGE, (-15.0, 15.5)),
        ([2, 2], RANGE, (2.0, 2.0)),
    ],
)
def test_a_fitting_value_takes_its_place(value: Any, annotation: Any, fitted: Any) -> None:
    result, fault = fit(value, annotation)
    assert fault is None
    assert result == fitted
    assert type(result) is type(fitted)


@pytest.mark.parametrize(
    ("value", "annotation", "fault"),
    [
        ("1e-3", SHARE, "'1e-3' is text; write 1.0e-3"),
        ("1.5e3", POSITIVE, "'1.5e3' is text; write 1.5e+3"),
        ("2E4", COUNT, "'2E4' is text; write 20000"),
        (1.5, SHARE, "1.5 is out of range; it must be at least 0 and at most 1"),
        (0, POSITIVE, "0 is out of range; it must be above 0"),
        (0, COUNT, "0 is out of range; it must be at least 1"),
        (2.5, COUNT, "2.5 is not a whole number"),
        (True, COUNT, "True is not a whole number"),
        ("fast", SHARE, "'fast' is not a number"),
        (None, COUNT, "None is not a whole number"),
        (1, bool, "1 is not true or false"),
        (float("nan"), SHARE, "nan is not a finite number"),
        (float("inf"), POSITIVE, "inf is not a finite number"),
        ("adam", WORD, "'adam' is not one of adamw, sgd"),
        (16, COUNTS, "16 is not a list; write [16]"),
        ([16, 0], COUNTS, "0 is out of range; it must be at least 1"),
        ([1, 2, 3], RANGE, "[1, 2, 3] has 3 values; 2 are wanted"),
        ([15, -15], RANGE, "[15.0, -15.0]: the first value is larger than the second; write [low, high]"),
        ({"a": 1}, SHARE, "{'a': 1} is not a number"),
    ],
)
def test_an_unfit_value_is_told_why(value: Any, annotation: Any, fault: str) -> None:
    assert fit(value, annotation)[1] == fault


@pytest.mark.parametrize("text", ["1e-3", "1.5e3", "2E4", "-3e5"])
def test_the_advice_for_a_number_as_text_is_read_as_that_number(text: str) -> None:
    import yaml

    _, fault = fit(text, float)
    assert yaml.safe_load(str(fault).rsplit(" ", 1)[1]) == float(text)
