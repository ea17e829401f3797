"""What every report page is made of: a shell that needs nothing else, escaped words, sections and tables."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence

from medseg.runs.colours import Rgb, hexadecimal
from medseg.runs.report_style import STYLE

# Whatever stands on the page, a browser loads nothing and runs nothing.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_THIN_SPACE = "\u202f"


def page(title: str, body: Iterable[str], *, style: str = "") -> str:
    """A whole page.

    Args:
        title: Plain words.
        body: Parts of the body in HTML; empty ones are left out.
        style: CSS after that of all reports.
    """
    head = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{text(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}{style}</style></head>'
    )
    return head + "<body>" + "\n".join(part for part in body if part) + "</body></html>\n"


def plain(value: object) -> str:
    """A text as it may be shown: characters that do not print, or turn the direction of writing, become �."""
    return "".join(ch if ch.isprintable() else " " if ch.isspace() else "�" for ch in str(value))


def text(value: object) -> str:
    """``plain``, escaped for HTML."""
    return html.escape(plain(value), quote=True)


def code(value: object) -> str:
    """A name as programs write it."""
    return f"<code>{text(value)}</code>"


def section(title: str, content: str, *, name: str = "") -> str:
    """A heading and what stands below it, both HTML; a link leads to its name."""
    own = f' id="{text(name)}"' if name else ""
    return f"<section{own}><h2>{title}</h2>{content}</section>"


def fold(title: str, content: str, *, opened: bool = False) -> str:
    """Content that opens with a click, both HTML; printed it is open."""
    return f"<details{' open' if opened else ''}><summary>{title}</summary>{content}</details>"


def swatch(colour: Rgb) -> str:
    """A small square of a colour."""
    return f'<span class=swatch style="background:{hexadecimal(colour)}"></span>'


def facts_list(facts: Mapping[str, str]) -> str:
    """Names and values, both HTML."""
    return "<dl>" + "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts.items()) + "</dl>"


def table(
    caption: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: Sequence[int] = (),
    *,
    over: Sequence[tuple[str, int]] = (),
) -> str:
    """A table that scrolls in its own box where the screen is narrow.

    Args:
        caption: What it holds, plain words, for those who cannot see it.
        heads: Of the columns, HTML.
        rows: Cells, HTML; the first of each row names it.
        numbers: Columns that are set to the right.
        over: A row above the heads: words, and over how many columns they stand.
    """
    kinds = [" class=number" if n in numbers else "" for n in range(len(heads))]
    top = "".join(f"<th scope=col{kind}>{head}</th>" for head, kind in zip(heads, kinds, strict=True))
    lines = []
    for first, *others in rows:
        cells = "".join(f"<td{kind}>{cell}</td>" for cell, kind in zip(others, kinds[1:], strict=True))
        lines.append(f"<tr><th scope=row>{first}</th>{cells}</tr>")
    said = text(caption)
    inside = f"<thead>{_over(over)}<tr>{top}</tr></thead><tbody>{''.join(lines)}</tbody>"
    return (
        f'<div class=wide role=region tabindex=0 aria-label="{said}"><table aria-label="{said}">{inside}</table></div>'
    )


def thousands(number: int) -> str:
    """A count in groups of three digits."""
    return f"{number:,}".replace(",", _THIN_SPACE)


def _over(over: Sequence[tuple[str, int]]) -> str:
    if not over:
        return ""
    cells = "".join(
        f"<th scope=colgroup colspan={span}>{words}</th>" if words else f"<td colspan={span}></td>"
        for words, span in over
    )
    return f"<tr class=over>{cells}</tr>"
