"""Take a patient's identity out of text before it is written anywhere."""

from __future__ import annotations

import datetime
import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

REMOVED = "[removed]"
SHORTEST = 3  # characters; "Li" or "7" stand in every other word and number
# Shorter words count only where they stand alone: "Ann" is in "channel", and "512" in "1512".
SHORTEST_INSIDE = 5

_MONTHS: tuple[str, ...] = ("January", "February", "March", "April", "May", "June")
_MONTHS += ("July", "August", "September", "October", "November", "December")
_SEPARATOR = r"[\s^=_,.'’/\\-]"
# How a name is written where only ASCII letters are at hand.
_TRANSLITERATED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "oe", "å": "aa", "æ": "ae"})


class Redactor:
    """Replaces words that name a patient, wherever they stand.

    A word is found in upper and lower case, with and without accents, and with other separators between
    its parts ("Albus^Dumbledore" as "dumbledore_albus"). Each part of a name with three letters or more is a
    word of its own. A date is found in every usual order, and with its month in English. What has fewer than
    ``SHORTEST`` characters cannot be found without destroying the text: a name such as "Li^Bo" is removed as a
    whole, never its parts alone. Dates with two digits for the year are not found either.
    """

    def __init__(self, words: Iterable[str]) -> None:
        """Prepare the search.

        Args:
            words: Values of identifying attributes, as they stand in the header: names, ids, accession
                numbers, dates. Empty ones are passed over.
        """
        patterns = {pattern for word in words for pattern in _patterns(word.strip(" \0"))}
        # The longest first, or a part would be taken out of a longer word and leave the rest standing.
        ordered = sorted(patterns, key=lambda pattern: (-len(pattern), pattern))
        self._search = re.compile("|".join(ordered), re.IGNORECASE) if ordered else None

    def text(self, text: str) -> str:
        """The text with "[removed]" in place of each word."""
        return text if self._search is None else self._search.sub(REMOVED, text)

    def data(self, value: Any) -> Any:
        """Plain JSON data with every text redacted, keys too.

        A whole number of five digits or more that is an id or a date is removed; shorter ones are shapes and
        counts. Keys that become equal are told apart by a number, so that nothing is lost. Tuples become lists, and
        anything else that JSON does not know (a path) becomes text.
        """
        if value is None or isinstance(value, bool | float):
            return value
        if isinstance(value, int):
            return REMOVED if len(str(value)) >= SHORTEST_INSIDE and self.text(str(value)) == REMOVED else value
        if isinstance(value, dict):
            return self._mapping(value)
        if isinstance(value, list | tuple):
            return [self.data(item) for item in value]
        return self.text(str(value))

    def _mapping(self, mapping: dict[Any, Any]) -> dict[str, Any]:
        redacted: dict[str, Any] = {}
        for key, value in mapping.items():
            plain = self.text(str(key))
            names = itertools.chain([plain], (f"{plain} {number}" for number in itertools.count(2)))
            redacted[next(name for name in names if name not in redacted)] = self.data(value)
        return redacted


def _patterns(word: str) -> Iterator[str]:
    """Regular expressions that find one word."""
    dates = _dates(word)
    for date in dates:
        yield from _date_patterns(date)
    parts = [part for part in re.split(_SEPARATOR, word) if part]
    for order in (parts, [*parts[1:], *parts[:1]]):
        yield from _spellings(order)
    if not dates and _is_name(word):
        for part in parts:
            if any(ch.isalpha() for ch in part):
                yield from _spellings([part])


def _is_name(word: str) -> bool:
    """Names have carets or no digits; the parts of "MRI-0042" alone would take "MRI" out of every sentence."""
    return "^" in word or "=" in word or not any(ch.isdigit() for ch in word)


def _spellings(parts: list[str]) -> Iterator[str]:
    composed = unicodedata.normalize("NFC", "\n".join(parts))
    decomposed = unicodedata.normalize("NFD", composed)
    bare = "".join(ch for ch in decomposed if not unicodedata.combining(ch))
    for spelling in {composed, decomposed, bare, composed.lower().translate(_TRANSLITERATED)}:
        length = len(spelling.replace("\n", ""))
        pattern = f"{_SEPARATOR}*".join(re.escape(part) for part in spelling.split("\n"))
        if length >= SHORTEST_INSIDE:
            yield pattern
        elif length >= SHORTEST:
            # A letter beside it makes another word; a digit does so beside a digit.
            before, after = (r"[^\W_]" if ch.isdigit() else r"[^\W\d_]" for ch in (spelling[0], spelling[-1]))
            yield f"(?<!{before}){pattern}(?!{after})"


def _dates(word: str) -> list[datetime.date]:
    """Dates that a word can mean: two where day and month could change places, none where it is no date."""
    found = set()
    # PS3.5 6.2: DA is YYYYMMDD (with dots in old files), DT goes on with the time.
    if match := re.fullmatch(r"(\d{4})[-./]?(\d{2})[-./]?(\d{2})(?:[T ]?[\d:.]{2,}(?:[+-]\d{4})?)?", word):
        found.add((match[1], match[2], match[3]))
    if match := re.fullmatch(r"(\d{1,2})[-./](\d{1,2})[-./](\d{4})", word):
        found |= {(match[3], match[2], match[1]), (match[3], match[1], match[2])}
    return [date for year, month, day in sorted(found) if (date := _date(int(year), int(month), int(day)))]


def _date(year: int, month: int, day: int) -> datetime.date | None:
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return None


def _date_patterns(date: datetime.date) -> Iterator[str]:
    name = _MONTHS[date.month - 1]
    month_name = f"{name[:3]}(?:{name[3:]})?" if len(name) > 3 else name
    year, month, day = f"{date.year:04}", f"{date.month:02}", f"{date.day:02}"
    loose_month, loose_day = (f"0?{number}" for number in (date.month, date.day))
    ordinal = f"{loose_day}(?:st|nd|rd|th)?"
    yield f"{year}[-./_ ]?{month}[-./_ ]?{day}"  # digits may follow: a time, or an instance number
    yield rf"(?<!\d){year}[-./_ ]{loose_month}[-./_ ]{loose_day}(?!\d)"
    for first, second in ((loose_day, loose_month), (loose_month, loose_day)):
        yield rf"(?<!\d){first}[-./_ ]{second}[-./_ ]{year}(?!\d)"
    for first, second in ((day, month), (month, day)):
        yield rf"(?<!\d){first}{second}{year}(?!\d)"
    for first, second, third in ((ordinal, month_name, year), (month_name, ordinal, year), (year, month_name, ordinal)):
        yield rf"(?<![^\W_]){first}[-./_, ]*{second}[-./_, ]*{third}(?!\d)"
