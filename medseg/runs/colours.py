"""Colours of labels: the same in picture, table and segment."""

from __future__ import annotations

import colorsys
import itertools
from collections.abc import Iterator, Sequence

Rgb = tuple[int, int, int]  # sRGB, 0 to 255

# Okabe and Ito (2008), told apart with every kind of colour vision; the darkest two are left out, for scans are dark.
PALETTE = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#CC79A7", "#D55E00")
GOLDEN_ANGLE = 0.381966  # of the colour circle: each next hue falls into the widest gap left
ALIKE = 24  # two colours that differ less in every component are one to the eye
TRIES = 12  # with so many labels that all of these are taken, colours cannot tell them apart anyway


def label_colours(given: Sequence[Rgb | None]) -> list[Rgb]:
    """A colour for each label: its own where it has one, otherwise the next that no other label has.

    Args:
        given: ``CodedLabel.colour`` of each; None for none.

    Returns:
        As many colours, bright enough for a dark scan where they are not given.
    """
    taken = [colour for colour in given if colour is not None]
    candidates = _candidates()
    colours = []
    for own in given:
        colour = own or _next_free(candidates, taken)
        taken.append(colour)
        colours.append(colour)
    return colours


def hexadecimal(colour: Rgb) -> str:
    """As HTML writes it: "#e69f00"."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _next_free(candidates: Iterator[Rgb], taken: Sequence[Rgb]) -> Rgb:
    for colour in itertools.islice(candidates, TRIES):
        if not _alike(colour, taken):
            break
    return colour


def _alike(colour: Rgb, others: Sequence[Rgb]) -> bool:
    return any(max(abs(a - b) for a, b in zip(colour, other, strict=True)) < ALIKE for other in others)


def _candidates() -> Iterator[Rgb]:
    for name in PALETTE:
        yield int(name[1:3], 16), int(name[3:5], 16), int(name[5:7], 16)
    for number in itertools.count():
        lightness = (0.72, 0.58, 0.82)[number % 3]
        red, green, blue = colorsys.hls_to_rgb(number * GOLDEN_ANGLE % 1.0, lightness, 0.75)
        yield round(255 * red), round(255 * green), round(255 * blue)
