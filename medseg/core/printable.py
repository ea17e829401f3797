"""Texts of strangers, safe to show: a sign that a terminal obeys could wipe a refusal out, or write another."""

from __future__ import annotations


def printable(text: str) -> str:
    """A text in one line, in which every sign that does not show as itself is an escape: ESC, U+202E, a new line."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in text)
