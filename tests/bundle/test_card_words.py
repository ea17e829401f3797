import pytest

from medseg.bundle.card_words import brief, code, fixed, plain, prose, studies, table, words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("model_a", "model_a"),
        ("_model_", r"\_model\_"),
        ("a|b", r"a\|b"),
        ("<b>", "&lt;b&gt;"),
        ("R&D", "R&amp;D"),
        ("- x", r"\- x"),
        ("# x", r"\# x"),
        ("a\n\nb\tc", "a b c"),
        ("a\x00b\u202ec", "a�b�c"),
        ("[x](y)", r"\[x\](y)"),
        (None, "None"),
        ("", ""),
    ],
)
def test_words_are_read_as_words(text: object, shown: str) -> None:
    assert words(text) == shown


def test_a_very_long_text_is_cut() -> None:
    assert len(plain("x" * 10_000)) == 2000


def test_a_name_in_code_cannot_leave_it() -> None:
    assert code("a`|<b") == "`a���b`"


def test_prose_keeps_lists_and_emphasis_and_nothing_that_loads_or_runs() -> None:
    text = "- *a*\n  - b\n![p](x)\n<b>\n# h\n[l](y)\n[z]: http://e\n```"
    assert prose(text) == ["- *a*", "  - b", r"!\[p]\(x)", "&lt;b>", r"\# h", r"[l]\(y)", r"\[z]: http://e", r"\```"]
    assert prose("\n".join(prose(text))) == prose(text)


@pytest.mark.parametrize(
    ("number", "three", "short"),
    [
        (0.90123, "0.901", "0.901"),
        (-0.5, "−0.500", "−0.5"),
        (12345.6, "12345.600", "12346"),
        (None, "–", "–"),
        (float("nan"), "–", "–"),
        (float("inf"), "–", "–"),
    ],
)
def test_numbers_have_sensible_digits(number: float | None, three: str, short: str) -> None:
    assert (fixed(number, 3), brief(number)) == (three, short)


def test_a_table_without_rows_is_none() -> None:
    assert table(("a", "b"), []) == []
    assert table(("a", "b"), [("1", "2")], numbers=(1,)) == ["| a | b |", "| --- | ---: |", "| 1 | 2 |", ""]


def test_studies_are_counted_with_their_patients_where_these_are_known() -> None:
    assert studies(1) == "1 study"
    assert studies(43, 1) == "43 studies of 1 patient"
