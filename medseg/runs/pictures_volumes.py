"""Charts of volumes, a panel for each label: agreement after Bland and Altman, and Dice against size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from medseg.runs.evaluation_charts import MIN_LIMITS, AgainstVolume, Agreement, Scale
from medseg.runs.evaluation_words import value_of
from medseg.runs.pictures_charts import (
    FAINT,
    INK,
    PANEL_INCHES,
    RED,
    STEPS,
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

_HEIGHT_INCHES = 3.1


def draw_agreements(rows: Sequence[Agreement]) -> Drawn:
    """Bland-Altman panels, one for each label."""
    return _panels(rows, _agreement)


def draw_against_volume(rows: Sequence[AgainstVolume], scale: Scale) -> Drawn:
    """Dice against reference volume, one panel for each label.

    Args:
        rows: At most as many as a figure holds.
        scale: Of the axis of Dice, which goes upward.
    """
    return _panels(rows, lambda axis, row: _against(axis, row, scale))


def _agreement(axis: Any, row: Agreement) -> None:
    axis.set_title(f"{short(row.name)}, n = {len(row.mean_ml)}")
    axis.set_xlabel("mean of both volumes, ml")
    axis.set_ylabel("prediction − reference, ml")
    axis.xaxis.set_major_locator(MaxNLocator(5, steps=STEPS))
    axis.yaxis.set_major_locator(MaxNLocator(6, steps=STEPS))
    draw_marks(axis, row.mean_ml, row.difference_ml, row.states)
    if not row.mean_ml:
        _empty(axis)
        return
    lines = {"mean": row.bias_ml}
    if len(row.mean_ml) >= MIN_LIMITS:
        lines |= {"+1.96 SD": row.limits_ml[1], "−1.96 SD": row.limits_ml[0]}
    low, high = min([*row.difference_ml, *lines.values(), 0.0]), max([*row.difference_ml, *lines.values(), 0.0])
    room = 0.08 * (high - low) or 1.0
    axis.set_ylim(low - room, high + room)
    axis.axhline(0.0, color="#c9c9c9", linewidth=0.8, zorder=0)
    axis.margins(x=0.06)
    _lines(axis, lines)


def _lines(axis: Any, lines: Mapping[str, float]) -> None:
    """Mean and limits, with their values in the right margin, moved apart where they would touch."""
    low, high = axis.get_ylim()
    gap = 0.13 * (high - low)
    at = dict(lines)
    if len(lines) > 1:
        at["+1.96 SD"] = max(at["+1.96 SD"], at["mean"] + gap)
        at["−1.96 SD"] = min(at["−1.96 SD"], at["mean"] - gap)
    for words, value in lines.items():
        colour, dashes = (INK, "-") if words == "mean" else (RED, (0, (5, 3)))
        axis.axhline(value, color=colour, linewidth=1.0, linestyle=dashes)
        y = (at[words] - low) / (high - low)
        style = {"transform": axis.transAxes, "color": "#8f3f00" if words != "mean" else INK, "fontsize": 7}
        axis.text(1.02, y, words, va="bottom", **style)
        axis.text(1.02, y, value_of("difference_ml", value), va="top", fontweight="bold", **style)


def _against(axis: Any, row: AgainstVolume, scale: Scale) -> None:
    axis.set_title(f"{short(row.name)}, n = {len(row.dice)}")
    axis.set_xlabel(f"reference volume, ml{' (logarithmic)' if row.is_wide else ''}")
    axis.set_ylabel("Dice")
    axis.set_ylim(scale.ends)
    draw_ticks(axis.yaxis, scale, "0")
    if scale.lane:
        axis.axhline(scale.border, color=RED, linewidth=0.8, linestyle=(0, (3, 2)))
    axis.grid(axis="y", color="#dddddd", linewidth=0.6)
    axis.set_axisbelow(True)
    draw_marks(axis, row.reference_ml, [scale.place(dice) for dice in row.dice], row.states)
    if not row.dice:
        _empty(axis)
    elif row.is_wide:
        axis.set_xscale("log")
        _plain_decades(axis, row.reference_ml)
    else:
        axis.xaxis.set_major_locator(MaxNLocator(5, steps=STEPS))


def _plain_decades(axis: Any, volumes_ml: Sequence[float]) -> None:
    """Ticks as plain numbers, and between the powers of ten too where there are few of these."""
    few = max(volumes_ml) < 1000.0 * min(volumes_ml)
    axis.xaxis.set_major_locator(LogLocator(10.0, subs=(1.0, 2.0, 5.0) if few else (1.0,)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_minor_formatter(NullFormatter())


def _empty(axis: Any) -> None:
    axis.set(xticks=[], yticks=[])
    axis.text(0.5, 0.5, "nothing to show", transform=axis.transAxes, ha="center", color=FAINT)


def _panels(rows: Sequence[Any], draw: Callable[[Any, Any], None]) -> Drawn:
    """Each row as a picture of its own, and all of them as one."""
    with rc_context(STYLE):
        single = []
        for row in rows:
            figure = new_figure(PANEL_INCHES, _HEIGHT_INCHES)
            draw(figure.subplots(), row)
            single.append(svg_of(figure))
        columns = min(3, max(1, len(rows)))
        lines = -(-max(1, len(rows)) // columns)
        whole = new_figure(PANEL_INCHES * columns, _HEIGHT_INCHES * lines)
        axes = list(whole.subplots(lines, columns, squeeze=False).flat)
        for axis, row in zip(axes, rows, strict=False):
            draw(axis, row)
        for axis in axes[len(rows) :]:
            axis.set_visible(False)
        return Drawn(tuple(single), png_of(whole, key_of(state for row in rows for state in row.states)))
