"""Which id a slip in a file name may have meant."""

import pytest

from medseg.steps.label_ids import near_ids


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("p1", "P1"),
        ("P1_seg", "P1"),
        ("P1-seg", "P1"),
        ("pred_P1", "P1"),
        ("p1.prediction", "P1"),
        ("P-1", "P1"),
        ("P11", None),  # another number is another study
        ("P1_2", None),  # the second visit
        ("P10_seg", None),
        ("Q1", None),
    ],
)
def test_near_are_case_punctuation_and_words_around_but_no_other_number(name: str, found: str | None) -> None:
    assert near_ids(["P1", "P2", "P100"]).nearest(name) == found
    assert near_ids([name]).nearest("P1") == (name if found else None)


def test_the_nearest_of_several_is_the_one_of_most_equal_length() -> None:
    assert near_ids(["P1_pred_of_today", "P1_seg", "P1_pred"]).nearest("P1") == "P1_seg"


def test_an_id_is_not_near_itself_and_nothing_is_near_an_id_without_letters() -> None:
    assert near_ids(["P1"]).nearest("P1") is None
    assert near_ids(["P1", "_"]).nearest("--") == "_"
