"""Box-and-strip charts: every study as a mark, with quartiles, median, and the mean with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from medseg.metrics.metric import METRICS
from medseg.runs.evaluation_charts import Scale, Strip, spread_rows
from medseg.runs.evaluation_words import headed
from medseg.runs.pictures_charts import (
    BLUE,
    FAINT,
    INK,
    PALE,
    PANEL_INCHES,
    RED,
    STYLE,
    Drawn,
    draw_marks,
    draw_ticks,
    key_of,
    new_figure,
    png_of,
    short,
    svg_of,
)

_ROW_INCHES, _FRAME_INCHES = 0.58, 0.62  # of a row; of title and axis together
_BOX_KEY = (
    Line2D([], [], color=INK, marker="D", markersize=4, linewidth=1.4, label="mean, 95 % interval"),
    Patch(facecolor=PALE, edgecolor=BLUE, linewidth=0.8, label="quartiles and median"),
)


def draw_strips(strips: Sequence[Strip], metric: str, scale: Scale) -> Drawn:
    """Box and strip of one metric, a row for each label.

    Args:
        strips: At most as many as a figure holds.
        metric: Key of ``METRICS``.
        scale: Of the axis.
    """
    with rc_context(STYLE):
        figure = new_figure(PANEL_INCHES, _FRAME_INCHES + _ROW_INCHES * max(1, len(strips)))
        axis = figure.subplots()
        axis.set_title(headed(metric))
        if scale.lane:
            axis.axvline(scale.border, color=RED, linewidth=0.8, linestyle=(0, (3, 2)), zorder=0.5)
        for row, strip in enumerate(strips):
            _strip(axis, row, strip, scale, metric)
        axis.set(xlim=scale.ends, ylim=(max(1, len(strips)) - 0.5, -0.5), yticks=[])
        axis.spines["left"].set_visible(False)
        axis.grid(axis="x", color="#dddddd", linewidth=0.6)
        axis.set_axisbelow(True)
        draw_ticks(axis.xaxis, scale, "0" if METRICS[metric].kind == "share" else "penalty")
        key = [*_BOX_KEY, *key_of(state for strip in strips for state in strip.states)]
        return Drawn((svg_of(figure),), png_of(figure, key))


def _strip(axis: Any, row: int, strip: Strip, scale: Scale, metric: str) -> None:
    """Name; below it mean and interval, box, and one mark for each study."""
    left, right = scale.ends
    axis.axhspan(row - 0.5, row - 0.26, color="white", zorder=1)  # no line runs through words
    axis.text(left, row - 0.37, short(strip.name), va="center", fontweight="bold", fontsize=8)
    axis.text(right, row - 0.37, _count(strip), va="center", ha="right", color=FAINT)
    if row:
        axis.axhline(row - 0.5, color="#c9c9c9", linewidth=0.7)
    if not strip.values:
        return
    _mean(axis, row - 0.13, strip, scale)
    if len(strip.values) > 1:
        _box(axis, row + 0.06, strip, scale)
    heights = [row + 0.20 + 0.25 * height for height in spread_rows(len(strip.values))]
    draw_marks(axis, [scale.place(value) for value in strip.values], heights, strip.states, size=11)


def _count(strip: Strip) -> str:
    penalties = f", {strip.penalties} penalised" if strip.penalties else ""
    return f"n = {len(strip.values)}{penalties}" if strip.values else "not scored"


def _mean(axis: Any, y: float, strip: Strip, scale: Scale) -> None:
    one = strip.summary
    if math.isfinite(one.low) and math.isfinite(one.high):
        axis.plot([scale.place(one.low), scale.place(one.high)], [y, y], color=INK, linewidth=1.4)
    axis.plot([scale.place(one.mean)], [y], "D", color=INK, markersize=4)


def _box(axis: Any, y: float, strip: Strip, scale: Scale) -> None:
    """Quartiles and median; the strip itself shows how far the rest reaches."""
    first, third = (scale.place(quartile) for quartile in strip.summary.iqr)
    axis.barh(y, third - first, left=first, height=0.17, facecolor=PALE, edgecolor=BLUE, linewidth=0.8)
    median = scale.place(strip.summary.median)
    axis.plot([median, median], [y - 0.085, y + 0.085], color=INK, linewidth=1.6, solid_capstyle="butt")
