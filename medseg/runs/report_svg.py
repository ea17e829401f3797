"""One plane of a scan with outlines of labels, as an SVG drawing.

A drawing holds the scan once, as a grey PNG in the voxels' own grid, and labels as paths along voxel edges. It is a
tenth of the size of a picture of the same sharpness, prints as sharply as paper allows, and its letters are text.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from medseg.core.types import BoolArray, FloatArray, LabelArray
from medseg.runs.colours import Rgb, hexadecimal
from medseg.runs.greys import Greys, png, shrunk, to_bytes
from medseg.runs.outline import outline_path
from medseg.runs.planes import Sheet

BARS_MM = (100, 50, 20, 10, 5, 2, 1)
BAR_LETTER, BAR_GAP = 0.8, 4.0  # size of its words against the letters; pixels between bar and words
LETTER = "#f5f5f5"


@dataclass(frozen=True)
class Layer:
    """How one label or region is drawn.

    Attributes:
        values: Label map values it joins.
        colour: Of outline and fill.
        stroke: Width of the outline in pixels of the screen; 0 leaves it out.
        fill: Opacity; the anatomy below must stay readable.
        front: Drawn over all others.
    """

    values: tuple[int, ...]
    colour: Rgb
    stroke: float
    fill: float
    front: bool = False


@dataclass(frozen=True)
class Frame:
    """Size of a drawing on a screen of usual width.

    Attributes:
        sheet: The plane.
        scale: Pixels of the screen for one millimetre.
        letter: Height of letters in pixels of the screen.
    """

    sheet: Sheet
    scale: float
    letter: float

    @property
    def margin(self) -> float:
        """Black border that holds letters and bar: they never hide anatomy."""
        return 1.4 * self.letter

    @property
    def inner(self) -> tuple[float, float]:
        """Width and height of the scan."""
        width, height = self.sheet.size_mm
        return width * self.scale, height * self.scale

    @property
    def below(self) -> float:
        """Black strip for letter and bar, one above the other, so that they never meet."""
        return self.margin + self.letter

    @property
    def outer(self) -> tuple[float, float]:
        """Width and height of the drawing."""
        return self.inner[0] + 2 * self.margin, self.inner[1] + self.margin + self.below

    @property
    def longest_bar_mm(self) -> int:
        """The longest scale bar below half the scan's width that leaves room for its length beside it."""
        words = 3.6 * BAR_LETTER * self.letter  # "100 mm" is 3.6 of the font's size wide
        room = min(self.inner[0] / 2, self.inner[0] + self.margin - BAR_GAP - words)
        return next((length for length in BARS_MM if length * self.scale <= room), BARS_MM[-1])


def draw_svg(
    frame: Frame,
    scan: FloatArray,
    labels: LabelArray,
    layers: Sequence[Layer],
    greys: Greys,
    *,
    bar_mm: int,
    limit: int,
    alt: str,
) -> str:
    """Draw one plane.

    Args:
        frame: The plane and its size.
        scan: Volume (R, A, S).
        labels: Label map on the same grid.
        layers: What is drawn over the scan.
        greys: Grey scale of the scan.
        bar_mm: Length of the scale bar.
        limit: Largest number of rows or columns of the grey picture; more are averaged.
        alt: What the drawing shows, for those who cannot see it.

    Returns:
        An ``svg`` element for an HTML page.
    """
    width, height = frame.outer
    margin = frame.margin
    row_px, column_px = (size * frame.scale for size in frame.sheet.pixel_mm)
    parts = [
        f'<svg role="img" aria-label="{escape(alt)}" viewBox="0 0 {_n(width)} {_n(height)}">',
        f'<rect width="{_n(width)}" height="{_n(height)}" fill="#000"/>',
        f'<g transform="translate({_n(margin)} {_n(margin)}) scale({column_px:.6g} {row_px:.6g})">',
        _image(frame.sheet.cut(scan), greys, limit),
        *_paths(frame.sheet.cut(labels), layers),
        "</g>",
        *_letters(frame),
        _bar(frame, bar_mm),
        "</svg>",
    ]
    return "".join(parts)


def _image(picture: FloatArray, greys: Greys, limit: int) -> str:
    grey, (rows, columns) = shrunk(picture, limit)
    data = base64.b64encode(png(to_bytes(grey, greys))).decode("ascii")
    width, height = grey.shape[1] * columns, grey.shape[0] * rows
    place = f'width="{width}" height="{height}" preserveAspectRatio="none"'
    return f'<image {place} href="data:image/png;base64,{data}"/>'


def _paths(areas: LabelArray, layers: Sequence[Layer]) -> list[str]:
    """What lies inside comes last: its outline is not hidden by that of what lies around it."""
    present = set(np.unique(areas).tolist())
    masks = [(layer, np.isin(areas, layer.values)) for layer in layers if present & set(layer.values)]
    masks.sort(key=lambda pair: (pair[0].front, -_reach(pair[1])))
    return ["".join(_path(layer, mask)) for layer, mask in masks]


def _path(layer: Layer, mask: BoolArray) -> list[str]:
    colour, line = hexadecimal(layer.colour), outline_path(mask)
    ends = f'vector-effect="non-scaling-stroke" stroke-linejoin="round" d="{line}"/>'
    fill = f'fill="{colour}" fill-opacity="{layer.fill:g}" fill-rule="evenodd"' if layer.fill else 'fill="none"'
    path = [f'<path {fill} stroke="{colour}" stroke-width="{layer.stroke:g}" {ends}']
    if layer.front:  # a dark rim parts a bright line from bright tissue
        path.insert(
            0, f'<path fill="none" stroke="#000" stroke-opacity="0.6" stroke-width="{layer.stroke + 1.4:g}" {ends}'
        )
    return path


def _reach(mask: BoolArray) -> int:
    """Pixels of the smallest upright rectangle around a mask."""
    return int(np.prod([np.ptp(where) + 1 for where in np.nonzero(mask)]))


def _letters(frame: Frame) -> list[str]:
    """Directions at the four edges."""
    width, height = frame.outer
    middle, edge = frame.margin / 2, frame.letter * 0.35  # capital letters are 0.7 of the font's size high
    places = (  # left, right, top, bottom
        (middle, frame.margin + frame.inner[1] / 2),
        (width - middle, frame.margin + frame.inner[1] / 2),
        (width / 2, middle),
        (width / 2, height - frame.below + middle),
    )
    lettered = zip(frame.sheet.plane.letters, places, strict=False)  # a picture has none
    style = f'font-size="{_n(frame.letter)}" font-weight="700" text-anchor="middle" fill="{LETTER}"'
    return [f'<text x="{_n(x)}" y="{_n(y + edge)}" {style}>{letter}</text>' for letter, (x, y) in lettered]


def _bar(frame: Frame, bar_mm: int) -> str:
    """A bar, and its length beside it."""
    start, y = frame.margin, frame.outer[1] - 0.6 * frame.letter
    end, size = start + bar_mm * frame.scale, BAR_LETTER * frame.letter
    place = f'x="{_n(end + BAR_GAP)}" y="{_n(y + 0.35 * size)}" font-size="{_n(size)}" fill="{LETTER}"'
    ends = f"M{_n(start)} {_n(y - 3)}v6m0-3H{_n(end)}m0-3v6"
    line = f'<path d="{ends}" fill="none" stroke="{LETTER}" stroke-width="1.5"/>'
    return f"{line}<text {place}>{bar_mm} {frame.sheet.plane.unit}</text>"


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
