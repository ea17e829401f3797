"""Words are only words on a page, and tables keep within it."""

import pytest

from medseg.runs.page_parts import facts_list, fold, page, plain, section, table, text, thousands
from tests.runs.html_page import HtmlPage


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("<b>", "&lt;b&gt;"),
        ("a\"b'c&", "a&quot;b&#x27;c&amp;"),
        ("a\x00b\u202ec\ud800d", "a�b�c�d"),
        ("two\nlines\tand\u202fthin", "two lines and thin"),
        (7, "7"),
    ],
)
def test_a_text_is_escaped_and_prints(value: object, shown: str) -> None:
    assert text(value) == shown


def test_plain_keeps_signs_of_html() -> None:
    assert plain("<b>\u200f") == "<b>�"


def test_a_page_loads_and_runs_nothing() -> None:
    whole = HtmlPage(page("A & B", ["<p>one</p>", "", "<p>two</p>"], style="p{color:red}"))
    (policy,) = [one["content"] for one in whole.attributes("meta") if "http-equiv" in one]
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert whole.words == "one two"
    assert {tag for tag, _ in whole.tags} == {"html", "head", "meta", "title", "style", "body", "p"}


def test_a_table_names_its_rows_and_stands_in_its_own_box() -> None:
    shown = HtmlPage(table('a "b"', ("Name", "n"), [("x", "1"), ("y", "2")], numbers=(1,), over=[("", 1), ("Sum", 1)]))
    assert shown.words == "Sum Name n x 1 y 2"
    assert shown.attributes("div")[0]["class"] == "wide"
    assert shown.attributes("table")[0]["aria-label"] == 'a "b"'
    assert [one.get("scope") for one in shown.attributes("th")] == ["colgroup", "col", "col", "row", "row"]
    assert [one.get("class") for one in shown.attributes("td")] == [None, "number", "number"]


def test_a_section_can_be_linked_to() -> None:
    assert section("A", "b") == "<section><h2>A</h2>b</section>"
    assert section("A", "b", name="a") == '<section id="a"><h2>A</h2>b</section>'


def test_what_is_folded_can_be_open() -> None:
    assert fold("A", "b") == "<details><summary>A</summary>b</details>"
    assert fold("A", "b", opened=True).startswith("<details open>")


def test_facts_and_counts() -> None:
    assert facts_list({"a": "b"}) == "<dl><dt>a</dt><dd>b</dd></dl>"
    assert thousands(1234567) == "1\u202f234\u202f567"
