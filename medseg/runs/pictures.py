"""Pictures of a run: curves over epochs, and predictions laid over their scans."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from medseg.core.files import replacing
from medseg.core.types import Affine, BoolArray, FloatArray, LabelArray
from medseg.runs.colours import PALETTE
from medseg.runs.greys import Greys, grey_window
from medseg.runs.metrics_log import DICE_PREFIX
from medseg.runs.planes import Sheet, body_box, most_foreground, ras_grid, worth_drawing

DPI = 130
FILL = 0.30  # opacity: the anatomy below must stay readable
PAGE_INCHES = 12.0  # width of the three planes together
BARS_MM = (50, 20, 10, 5)  # the longest below a third of the narrowest plane
_DARK, _LIGHT = "#111111", "#eeeeee"
_LEGEND: dict[str, Any] = {"frameon": False, "labelcolor": _LIGHT}


def draw_curves(rows: Sequence[Mapping[str, float]], path: Path) -> None:
    """Draw loss, Dice of each name, and learning rate over epochs.

    Args:
        rows: From ``read_metrics``; a nan is a gap.
        path: A PNG file.

    Raises:
        OutputError: The file cannot be written.
    """
    figure = Figure(figsize=(8.0, 8.0), layout="constrained")
    loss, dice, rate = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 1.4))
    epochs = [row["epoch"] for row in rows]
    _curve(loss, epochs, [row.get("loss", math.nan) for row in rows], "training", "#0072B2")
    _label(loss, "Training loss", "loss (no unit)")
    names = [key for key in (rows[0] if rows else {}) if key.startswith(DICE_PREFIX)]
    for number, name in enumerate(names):
        values = [row[name] for row in rows]
        _curve(dice, epochs, values, name.removeprefix(DICE_PREFIX), PALETTE[number % len(PALETTE)])
    _label(dice, "Dice on the validation studies", "Dice, 0 to 1")
    dice.set_ylim(0.0, 1.0)
    _mark_best(dice, rows, names)
    _curve(rate, epochs, [row.get("lr", math.nan) for row in rows], "learning rate", "#555555")
    _label(rate, "Learning rate", "rate (no unit)")
    rate.set_xlabel("epoch")
    rate.set_xlim(0.5, max(epochs, default=1) + 0.5)
    rate.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    rate.ticklabel_format(axis="y", style="sci", scilimits=(-2, 2))
    _save(figure, path)


def draw_overlay(
    image: FloatArray,
    prediction: LabelArray,
    reference: LabelArray | None,
    affine_ras: Affine,
    names: Sequence[str],
    path: Path,
    title: str,
) -> None:
    """Draw a prediction, and the reference below it, over three planes of a scan.

    The planes are those that show most of the reference (or, without one, of the prediction). The
    patient's right is on the left of the picture; millimetres are as long in every direction. Titles
    name the slice by its index in the file, from 0.

    Args:
        image: One channel (I, J, K).
        prediction: Class indices (I, J, K), 0 is background.
        reference: The same; None draws the prediction alone.
        affine_ras: Voxel to RAS+ millimetres.
        names: Name of class 1, 2 and so on.
        path: A PNG file.
        title: For example the study's id.

    Raises:
        OutputError: The file cannot be written.
    """
    grid = ras_grid(image.shape, affine_ras)
    scan = grid.turn(np.nan_to_num(image, nan=0.0, posinf=0.0, neginf=0.0))
    rows = {"Prediction": grid.turn(prediction)} | ({} if reference is None else {"Reference": grid.turn(reference)})
    index = most_foreground(_shown(list(rows.values())) > 0)
    greys = grey_window(scan, "")
    box = body_box((scan != 0) | np.any([classes > 0 for classes in rows.values()], axis=0))
    sheets = worth_drawing([Sheet(plane, index, box, grid.spacing_mm) for plane in grid.planes])
    narrowest_mm = min(sheet.size_mm[0] for sheet in sheets)
    bar_mm = next((length for length in BARS_MM if length < narrowest_mm / 3), BARS_MM[-1])
    figure, axes = _page(sheets, len(rows))
    for row, (name, classes) in enumerate(rows.items()):
        for axis, sheet in zip(axes[row], sheets, strict=True):
            _draw_sheet(axis, sheet, scan, classes, greys)
            annotate(axis, sheet, bar_mm)
        axes[row][0].set_ylabel(name, color=_LIGHT, fontsize=13, labelpad=8)
    for axis, sheet in zip(axes[0], sheets, strict=True):
        axis.set_title(grid.caption(sheet.plane, index), color=_LIGHT, fontsize=11)
    figure.suptitle(title, color=_LIGHT, fontsize=13)
    legend = [Patch(color=_colour(number + 1), label=name) for number, name in enumerate(names)]
    figure.legend(handles=legend, loc="outside lower center", ncols=min(len(names), 6) or 1, **_LEGEND)
    _save(figure, path)


def _shown(maps: list[LabelArray]) -> LabelArray:
    """The reference, which comes last, unless it is empty."""
    return next((classes for classes in reversed(maps) if classes.any()), maps[0])


def _page(sheets: list[Sheet], rows: int) -> tuple[Figure, Any]:
    widths, heights = zip(*(sheet.size_mm for sheet in sheets), strict=True)
    row_inches = min(PAGE_INCHES * max(heights) / sum(widths), 8.0)
    figure = Figure(figsize=(PAGE_INCHES + 1.0, row_inches * rows + 1.4), layout="constrained", facecolor=_DARK)
    return figure, figure.subplots(rows, len(sheets), squeeze=False, width_ratios=widths)


def _draw_sheet(axis: Any, sheet: Sheet, scan: FloatArray, classes: LabelArray, greys: Greys) -> None:
    picture, areas = sheet.cut(scan), sheet.cut(classes)
    width_mm, height_mm = sheet.size_mm
    place = (0.0, width_mm, height_mm, 0.0)
    axis.imshow(picture, cmap="gray", vmin=greys.low, vmax=greys.high, extent=place, interpolation="nearest")
    axis.imshow(_fill(areas), extent=place, interpolation="nearest")
    # What lies inside comes last: its outline is not hidden by that of what lies around it.
    for number in sorted(np.unique(areas[areas > 0]), key=lambda number: -_reach(areas == number)):
        y, x = outline_lines(areas == number)
        height, width = sheet.pixel_mm
        axis.plot(np.multiply(x, width), np.multiply(y, height), color=_colour(int(number)), linewidth=1.1)
    axis.set(xticks=[], yticks=[], facecolor="black", xlim=place[:2], ylim=place[2:])
    for side in axis.spines.values():
        side.set_visible(False)


def _reach(mask: BoolArray) -> int:
    """Pixels of the smallest upright rectangle around a mask."""
    return int(np.prod([np.ptp(where) + 1 for where in np.nonzero(mask)]))


# Left, right, top, bottom: where a letter stands and how it is aligned.
_EDGES = (
    (0.015, 0.5, "left", "center"),
    (0.985, 0.5, "right", "center"),
    (0.5, 0.985, "center", "top"),
    (0.5, 0.015, "center", "bottom"),
)


def annotate(axis: Any, sheet: Sheet, bar_mm: int) -> None:
    """Directions at the four edges, and a bar of a round number of millimetres."""
    style: dict[str, Any] = {
        "transform": axis.transAxes,
        "color": _LIGHT,
        "fontsize": 11,
        "fontweight": "bold",
        "path_effects": [withStroke(linewidth=2.5, foreground="black")],
    }
    for letter, (x, y, across, along) in zip(sheet.plane.letters, _EDGES, strict=False):
        axis.text(x, y, letter, ha=across, va=along, **style)
    width_mm, height_mm = sheet.size_mm
    start, y = 0.03 * width_mm, 0.97 * height_mm
    axis.plot([start, start + bar_mm], [y, y], color=_LIGHT, linewidth=2, path_effects=style["path_effects"])
    style |= {"transform": axis.transData, "fontsize": 8, "fontweight": "normal"}
    axis.text(start, y - 0.015 * height_mm, f"{bar_mm} {sheet.plane.unit}", ha="left", va="bottom", **style)


def _fill(classes: LabelArray) -> FloatArray:
    picture = np.zeros((*classes.shape, 4))
    for number in np.unique(classes[classes > 0]):
        picture[classes == number] = (*to_rgb(_colour(int(number))), FILL)
    return picture


def outline_lines(mask: BoolArray) -> tuple[list[float], list[float]]:
    """Edges between pixels in and out of a mask: y and x of line ends in pixels, nan between lines."""
    rows: list[float] = []
    columns: list[float] = []
    padded = np.pad(mask, 1)
    for row, column in np.argwhere(padded[1:, 1:-1] != padded[:-1, 1:-1]):  # horizontal edges
        rows += [row, row, math.nan]
        columns += [column, column + 1, math.nan]
    for row, column in np.argwhere(padded[1:-1, 1:] != padded[1:-1, :-1]):  # vertical edges
        rows += [row, row + 1, math.nan]
        columns += [column, column, math.nan]
    return rows, columns


def _colour(number: int) -> str:
    return PALETTE[(number - 1) % len(PALETTE)]


def _curve(axis: Any, epochs: list[float], values: list[float], name: str, colour: str) -> None:
    kept = [(epoch, value) for epoch, value in zip(epochs, values, strict=True) if math.isfinite(value)]
    marker = "o" if len(kept) <= 40 else None
    axis.plot(*(zip(*kept, strict=True) if kept else ([], [])), label=name, color=colour, marker=marker, markersize=3)


def _label(axis: Any, title: str, unit: str) -> None:
    axis.set_title(title, loc="left", fontsize=11)
    axis.set_ylabel(unit)
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)


def _mark_best(axis: Any, rows: Sequence[Mapping[str, float]], names: Sequence[str]) -> None:
    means = {row["epoch"]: float(np.nanmean(scores)) for row in rows if (scores := _scores(row, names))}
    if means:
        best = max(means, key=lambda epoch: means[epoch])
        axis.axvline(best, color="#555555", linestyle=":", label=f"best mean {means[best]:.3f}, epoch {best:g}")
        axis.legend(loc="lower right", fontsize=9)


def _scores(row: Mapping[str, float], names: Sequence[str]) -> list[float]:
    return [row[name] for name in names if math.isfinite(row[name])]


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=DPI, facecolor=figure.get_facecolor())
