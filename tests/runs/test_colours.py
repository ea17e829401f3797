"""Labels keep the colours they were given; the rest differ from those and from each other."""

import pytest

from medseg.runs.colours import hexadecimal, label_colours


@pytest.mark.parametrize("count", [1, 7, 31, 117])
def test_no_two_labels_have_one_colour(count: int) -> None:
    assert len(set(label_colours([None] * count))) == count


def test_a_given_colour_is_kept_and_given_to_no_other() -> None:
    orange = (230, 159, 0)  # the first of the palette
    assert label_colours([None, orange])[1] == orange
    assert label_colours([None, orange])[0] != orange


def test_black_is_a_colour() -> None:
    assert label_colours([(0, 0, 0)]) == [(0, 0, 0)]


def test_html_has_six_digits() -> None:
    assert hexadecimal((1, 160, 255)) == "#01a0ff"
