"""Words and numbers of a model card: foreign text made harmless for Markdown, numbers with sensible digits.

A card is read in whatever shows Markdown, some of which run HTML and load pictures from anywhere. Names of labels,
groups and authors come from elsewhere, so nothing of them may be read as anything but words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from medseg.core.in_words import counted

NOTHING = "–"
LONGEST = 2000  # characters of a foreign text; what is longer is no line of a card
_MARKS = re.compile(r"[\\`*_\[\]|~]")
_INSIDE_A_NAME = re.compile(r"(?<=[A-Za-z0-9])\\_(?=[A-Za-z0-9])")  # "model_a" is never emphasis; leave it readable
_OPENS = re.compile(r"^(#|=|```|~~~|\[[^\]]*\]:)")  # a heading, code without end, the target of a link
_MANY = 1000  # from here on decimals say nothing


def plain(value: object) -> str:
    """A foreign text in one line: characters that do not print, or turn the direction of writing, become �."""
    line = "".join(sign if sign.isprintable() else "�" for sign in " ".join(str(value).split()))
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def words(value: object) -> str:
    """A foreign text as words of a paragraph or of a table cell: no markup, no HTML, no new cell."""
    line = plain(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    marked = _INSIDE_A_NAME.sub("_", _MARKS.sub(lambda sign: f"\\{sign[0]}", line))
    return re.sub(r"^[-+=#]", lambda sign: f"\\{sign[0]}", marked)  # a list, a heading


def code(value: object) -> str:
    """A foreign name as programs write it, without the signs that could end it."""
    return f"`{re.sub('[`|<>]', '�', plain(value))}`"


def prose(text: str) -> list[str]:
    """Lines of a section of another Markdown page: lists and emphasis stay; HTML, pictures, links and tables do not."""
    lines = []
    for line in text.strip().splitlines():
        kept = "".join(sign if sign.isprintable() else "�" for sign in line.expandtabs(4).rstrip())
        for mark, harmless in (("<", "&lt;"), ("![", r"!\["), ("](", r"]\("), ("|", r"\|")):
            kept = kept.replace(mark, harmless)
        inside = kept.lstrip()
        lines.append(kept[: len(kept) - len(inside)] + _OPENS.sub(r"\\\g<0>", inside))
    return lines


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[int] = ()) -> list[str]:
    """A table in Markdown and an empty line; nothing where it has no rows.

    Args:
        heads: Of the columns.
        rows: Cells, harmless by now.
        numbers: Columns that are set to the right.
    """
    listed = [f"| {' | '.join(row)} |" for row in rows]
    rule = " | ".join("---:" if n in numbers else "---" for n in range(len(heads)))
    return [f"| {' | '.join(heads)} |", f"| {rule} |", *listed, ""] if listed else []


def fixed(value: float | None, decimals: int) -> str:
    """A number with so many decimals; a dash for none."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{value:.{decimals}f}".replace("-", "−")


def brief(value: float | None) -> str:
    """A number with three digits, or all of those before the point; a dash for none."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return (f"{value:.0f}" if abs(value) >= _MANY else f"{value:.3g}").replace("-", "−")


def studies(number: int, patients: int | None = None) -> str:
    """How many studies, and of how many patients where that is known: "43 studies of 31 patients"."""
    said = f"{number} {'study' if number == 1 else 'studies'}"
    return said if patients is None else f"{said} of {counted(patients, 'patient')}"
