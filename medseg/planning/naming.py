"""Names that a bundle can use for what a data set calls its channels and labels, and regions that are known by name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from medseg.core.labels import bare_name

_LONGEST = 32  # letters; longer names break tables and charts
# Unions that are scored in place of labels, where the labels are those of BraTS (Baid et al. 2021).
REGIONS: Mapping[str, tuple[str, ...]] = {"WT": ("NCR", "ED", "ET"), "TC": ("NCR", "ET"), "ET": ("ET",)}
_BRATS: Mapping[str, tuple[str, ...]] = {
    "NCR": (
        "necrotic core",
        "necrosis",
        "non-enhancing tumor",
        "non-enhancing tumour",
        "necrotic tumor core",
        "NCR/NET",
        "NETC",
    ),
    "ED": ("edema", "oedema", "peritumoral edema", "whole edema", "SNFH"),
    "ET": ("enhancing tumor", "enhancing tumour", "enhancing", "AT"),
}


@dataclass(frozen=True)
class Name:
    """A name of the bundle.

    Attributes:
        name: Letters, digits, "_", "-", "." and "+".
        aliases: What the data calls it, where that differs.
    """

    name: str
    aliases: tuple[str, ...] = ()


def names_of(given: Iterable[str]) -> tuple[Name, ...]:
    """A name for each, no two alike."""
    names: list[Name] = []
    for number, text in enumerate(given, 1):
        plain = _plain(text) or f"label{number}"
        taken = {bare_name(one.name) for one in names}
        while bare_name(plain) in taken:
            plain = f"{plain}_{number}"
        names.append(Name(plain, () if plain == text else (text,)))
    return tuple(names)


def brats_names(given: Iterable[str]) -> tuple[Name, ...] | None:
    """NCR, ED and ET where these are what the labels are, by any of their names; otherwise None."""
    found = list[Name]()
    for text in given:
        name = next((key for key, also in _BRATS.items() if _is_one_of(text, (key, *also))), "")
        aliases = dict.fromkeys([*_BRATS.get(name, ()), text])
        found.append(Name(name, tuple(alias for alias in aliases if alias != name)))
    return tuple(found) if sorted(one.name for one in found) == sorted(_BRATS) else None


def _is_one_of(text: str, names: Iterable[str]) -> bool:
    return bare_name(text) in {bare_name(name) for name in names}


def _plain(text: str) -> str:
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    bare = re.sub(r"\([^()]* [^()]*\)", " ", ascii_text)  # several words in brackets explain the name
    words = re.findall(r"[A-Za-z0-9.+-]+", bare) or re.findall(r"[A-Za-z0-9.+-]+", ascii_text)
    plain = ""
    for word in words:
        longer = f"{plain}_{word}" if plain else word[:_LONGEST]
        if len(longer) > _LONGEST:
            break
        plain = longer
    return plain.strip(".+-_") if re.match(r"[A-Za-z0-9]", plain) else ""
