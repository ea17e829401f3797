"""Study ids that nearly match: what a slip in a file name may have meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_NUMBERS = re.compile(r"\d+")

Words = tuple[str, ...]


@dataclass(frozen=True)
class NearIds:
    """Ids by what they are found again by, so that a search does not go through all of them.

    Attributes:
        by_letters: Letters and digits to the ids that have these.
        by_words: Words, as a tuple, to the ids that consist of them.
        by_part: Words to the longer ids that hold them in this order, and no number besides.
    """

    by_letters: Mapping[str, list[str]]
    by_words: Mapping[Words, list[str]]
    by_part: Mapping[Words, list[str]]

    def nearest(self, name: str) -> str | None:
        """The id that most looks like a slip for ``name``; None where none does.

        Ids that differ in a number are different studies. Ids are near where letters and digits are the same but for
        case and punctuation, or where one is the other with words before or after it: "P1_pred" and "p1" for "P1".
        """
        words = _words(name)
        near = [*self.by_letters.get("".join(words), ()), *self.by_part.get(words, ())]
        near += [one for part in _parts(words) for one in self.by_words.get(part, ())]
        others = {one for one in near if one != name}
        return min(others, key=lambda other: (abs(len(other) - len(name)), other), default=None)


def near_ids(ids: Iterable[str]) -> NearIds:
    """Ids, ready to be searched."""
    letters: dict[str, list[str]] = {}
    whole: dict[Words, list[str]] = {}
    longer: dict[Words, list[str]] = {}
    for one in ids:
        words = _words(one)
        letters.setdefault("".join(words), []).append(one)
        whole.setdefault(words, []).append(one)
        for part in _parts(words):
            longer.setdefault(part, []).append(one)
    return NearIds(letters, whole, longer)


def _parts(words: Words) -> set[Words]:
    """Neighbouring words, fewer than all, among which no number is left out."""
    numbers, count = _numbers(words), len(words)
    spans = (words[start:end] for start in range(count) for end in range(start + 1, count + 1))
    return {part for part in spans if len(part) < count and _numbers(part) == numbers}


def _words(name: str) -> Words:
    return tuple(re.findall(r"[^\W_]+", name.casefold()))


def _numbers(words: Iterable[str]) -> list[str]:
    return _NUMBERS.findall(" ".join(words))
