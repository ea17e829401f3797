"""What all charts of an evaluation share: marks, ticks and style, and both forms: SVG for the page, PNG for slides."""

from __future__ import annotations

import base64
import io
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from medseg.metrics.policy import State
from medseg.runs.colours import PALETTE
from medseg.runs.evaluation_charts import Scale
from medseg.runs.page_parts import plain

PNG_DPI = 240
PANEL_INCHES = 3.75  # 360 pixels of a screen: three fit a wide page, one a phone
MANY = 1500  # points of a panel; more are drawn as pixels, or the page grows large
_KEY_INCHES = 0.17  # height of a line of the key
_LONGEST = 30  # letters of a label's name; the table has it in full
INK, FAINT, PALE, BLUE, RED = "#1a1a1a", "#6b6b6b", "#cfe3f2", "#0072B2", PALETTE[5]
STEPS = [1, 2, 2.5, 5, 10]
STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 7.5,
    "axes.titlesize": 9.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.parse_math": False,  # a name is a name, whatever signs are in it
    "svg.fonttype": "none",
    "svg.hashsalt": "medseg",
}


@dataclass(frozen=True)
class Mark:
    """How a study is drawn, by what its masks held.

    Attributes:
        symbol: As matplotlib calls it.
        sign: The same as a letter, for text.
        colour: Of it.
        words: What it stands for.
    """

    symbol: str
    sign: str
    colour: str
    words: str


MARKS: Mapping[State, Mark] = {
    "scored": Mark("o", "●", BLUE, "label in both masks"),
    "both_empty": Mark("s", "■", PALETTE[2], "label in neither mask"),
    "prediction_empty": Mark("v", "▼", RED, "label missed: not in the prediction"),
    "reference_empty": Mark("^", "▲", RED, "label hallucinated: not in the reference"),
    "missing": Mark("X", "✖", INK, "no usable prediction"),
}


@dataclass(frozen=True)
class Drawn:
    """A chart in both forms.

    Attributes:
        svg: The panels for the page, one picture each, as text.
        png: The whole for slides.
    """

    svg: tuple[str, ...]
    png: bytes


def marks_of(states: Iterable[State]) -> list[Mark]:
    """The marks that occur, in the order of ``MARKS``."""
    occur = set(states)
    return [mark for state, mark in MARKS.items() if state in occur]


def image_source(svg: str) -> str:
    """An SVG drawing as the source of an ``img``."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def png_of_pixels(pixels: npt.NDArray[np.uint8]) -> bytes:
    """A picture (rows, columns, 3) as PNG."""
    stream = io.BytesIO()
    imsave(stream, np.ascontiguousarray(pixels), format="png")
    return stream.getvalue()


def draw_ticks(axis: Any, scale: Scale, worst: str) -> None:
    """Round numbers over what was measured, and the word for the lane.

    Args:
        axis: The x or y axis of a panel.
        scale: Of it.
        worst: What stands below the lane.
    """
    near = 0.13 * (scale.high - scale.low)  # closer, words would touch
    rounded = MaxNLocator(6, steps=STEPS).tick_values(scale.low, scale.high)
    ticks = [tick for tick in rounded if scale.low - 1e-9 <= tick <= scale.high + 1e-9]
    ticks = [tick for tick in ticks if not abs(tick - scale.lane_at) < near]
    words = [f"{tick:.6g}" for tick in ticks]
    if scale.lane:
        ticks, words = [*ticks, scale.lane_at], [*words, worst]
    axis.set_ticks(ticks, words)


def draw_marks(axis: Any, x: Sequence[float], y: Sequence[float], states: Sequence[State], *, size: float = 14) -> None:
    """A mark for each study.

    Args:
        axis: Where.
        x: Of each study.
        y: Of each study.
        states: What its masks held: it chooses the mark.
        size: Of the usual mark, in square points; the others are larger, for they matter more.
    """
    for state, mark in MARKS.items():
        own = [(a, b) for a, b, c in zip(x, y, states, strict=True) if c == state]
        usual = state == "scored"
        style = {"alpha": 0.65, "edgecolors": "none"} if usual else {"edgecolors": "white", "linewidths": 0.4}
        style |= {"marker": mark.symbol, "color": mark.colour, "zorder": 3, "rasterized": len(x) > MANY}
        if own:
            axis.scatter(*zip(*own, strict=True), s=size if usual else 2.2 * size, **style)


def new_figure(width: float, height: float) -> Figure:
    """An empty white figure of a size in inches."""
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def svg_of(figure: Figure) -> str:
    """The figure as an ``svg`` element; its words stay words."""
    stream = io.StringIO()
    _save(figure, stream, format="svg", metadata={"Date": None}, dpi=PNG_DPI / 2)
    drawing = stream.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    return re.sub(r"\s*<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)


def png_of(figure: Figure, key: Sequence[Line2D | Patch]) -> bytes:
    """The figure as PNG, with a key below, which the page has in words."""
    width, height = figure.get_size_inches()
    columns = max(1, round(width / PANEL_INCHES * 2))
    lines = -(-len(key) // columns)
    figure.set_size_inches(width, height + lines * _KEY_INCHES)
    if key:
        figure.legend(handles=list(key), loc="outside lower left", ncols=columns, frameon=False, fontsize=6.5)
    stream = io.BytesIO()
    _save(figure, stream, format="png", dpi=PNG_DPI)
    return stream.getvalue()


def key_of(states: Iterable[State]) -> list[Line2D | Patch]:
    """An entry for each mark that occurs."""
    return [
        Line2D([], [], linestyle="none", marker=mark.symbol, color=mark.colour, label=mark.words, markersize=4)
        for mark in marks_of(states)
    ]


def short(name: str) -> str:
    """A name that fits above a panel."""
    words = plain(name)
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"


def _save(figure: Figure, stream: io.StringIO | io.BytesIO, **options: Any) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph", UserWarning)  # letters that the font lacks become boxes
        figure.savefig(stream, **options)
