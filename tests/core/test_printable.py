"""Texts of strangers, safe to show."""

import pytest

from medseg.core.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain – ü 漢", "plain – ü 漢"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\u202e\u200b\x9b", "\\u202e\\u200b\\x9b"),
        ("\udc80", "\\udc80"),
        ("a\n\r\x1b[2J\u202eb\u200b\x00µ", r"a\n\r\x1b[2J\u202eb\u200b\x00µ"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown
