"""What a model card keeps of the texts that a bundle had before: the words of those who made it.

Parts are found by their headings, in the pages of medseg and in a card that was written from one: a bundle that is
packaged again keeps them.
"""

from __future__ import annotations

import re

from medseg.bundle.card_words import prose

WORST_STUDIES = "### Worst studies"  # within "Where it fails", which an evaluation adds and which is made anew
_FAILS = ("## Where it fails", "## Where it may fail")


def lead_of(page: str) -> str:
    """The first paragraph of a page, which says what the model does; empty for none."""
    for paragraph in re.split(r"\n\s*\n", page):
        text = paragraph.strip()
        if text and not text.startswith(("#", "|", "**", "!", "<", "-", ">")):
            return " ".join(prose(" ".join(text.split())))
    return ""


def row_of(page: str, name: str) -> str:
    """What a table of two columns says of a name: "| Network | a U-Net |"; empty for nothing."""
    found = re.search(rf"^\|\s*{re.escape(name)}\s*\|((?:\\\||[^|\n])+)\|\s*$", page, re.MULTILINE)
    return "".join(prose(found[1].replace("\\|", "|"))) if found else ""


def failures_of(page: str) -> list[str]:
    """Lines below the heading "Where it fails", without what an evaluation added; none without such a heading."""
    lines = page.splitlines()
    start = next((n for n, line in enumerate(lines) if line.strip() in _FAILS), None)
    if start is None:
        return []
    rest = lines[start + 1 :]
    ends = (n for n, line in enumerate(rest) if line.startswith(("# ", "## ", WORST_STUDIES)))
    return prose("\n".join(rest[: next(ends, len(rest))]))
