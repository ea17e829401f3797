"""How sizes, counts and memory are said in reasons and messages."""

from __future__ import annotations

from collections.abc import Iterable


def times(sides: Iterable[object]) -> str:
    """Sides of a box: "40 x 56 x 40"."""
    return " x ".join(str(side) for side in sides)


def gigabytes(gib: float) -> str:
    """A size without unit, in digits alone: "128", "8.4", "0.29"."""
    text = f"{gib:.1f}" if gib >= 1 else f"{gib:.2f}"
    return text.rstrip("0").rstrip(".")


def size(bytes_: float) -> str:
    """A number of bytes: "5.9 GiB", "120 MiB", "12 KiB"."""
    for unit, least in (("GiB", 2**30), ("MiB", 2**20)):
        if bytes_ >= least:
            return f"{gigabytes(bytes_ / least)} {unit}"
    return f"{gigabytes(bytes_ / 2**10)} KiB"


def counted(number: int, noun: str) -> str:
    """A number of things: "1 patient", "2 patients", "2 studies"."""
    if number == 1:
        return f"{number} {noun}"
    return f"{number} {noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{number} {noun}s"
