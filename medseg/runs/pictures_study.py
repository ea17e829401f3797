"""The planes of a study of the gallery as one picture, for slides."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from medseg.core.types import FloatArray, LabelArray
from medseg.runs.colours import hexadecimal
from medseg.runs.evaluation_panels import DIFFERENCES, Panel, StudyPanels
from medseg.runs.page_parts import plain
from medseg.runs.pictures import BARS_MM, annotate, outline_lines
from medseg.runs.planes import Sheet
from medseg.runs.report_svg import Layer

DPI = 130
WIDTH_INCHES, PANEL_INCHES, HEAD_INCHES = 12.3, 2.9, 1.3  # 1600 pixels wide: a slide
TALLEST = 1.2  # of a panel, against its width
_DARK, _LIGHT = "#111111", "#eeeeee"


def paint_study(study: StudyPanels, *, title: str, without: str) -> npt.NDArray[np.uint8]:
    """Draw the planes of a study.

    Args:
        study: What to draw.
        title: Above it.
        without: What stands in the column of a prediction that there is not.

    Returns:
        Colours (rows, columns, 3).
    """
    heights = [PANEL_INCHES * min(sheet.size_mm[1] / sheet.size_mm[0], TALLEST) for sheet in study.sheets]
    size = (WIDTH_INCHES, sum(heights) + HEAD_INCHES)
    figure = Figure(figsize=size, dpi=DPI, layout="constrained", facecolor=_DARK)
    axes = figure.subplots(len(study.sheets), len(study.panels), squeeze=False, height_ratios=heights)
    for row, sheet in zip(axes, study.sheets, strict=True):
        for axis, panel in zip(row, study.panels, strict=True):
            _draw(axis, study, sheet, panel, without)
        row[0].set_ylabel(study.caption(sheet), color=_LIGHT, fontsize=10, labelpad=6)
    for axis, panel in zip(axes[0], study.panels, strict=True):
        axis.set_title(panel.name, color=_LIGHT, fontsize=12)
    figure.suptitle(plain(title), color=_LIGHT, fontsize=13, parse_math=False)
    _add_key(figure, study)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    picture: npt.NDArray[np.uint8] = np.array(canvas.buffer_rgba())[..., :3]
    return picture


def _draw(axis: Any, study: StudyPanels, sheet: Sheet, panel: Panel, without: str) -> None:
    width_mm, height_mm = sheet.size_mm
    axis.set(xticks=[], yticks=[], facecolor="black", xlim=(0.0, width_mm), ylim=(height_mm, 0.0), aspect="equal")
    for side in axis.spines.values():
        side.set_visible(False)
    if panel.labels is None:
        axis.text(0.5, 0.5, without, color=_LIGHT, ha="center", va="center", transform=axis.transAxes)
        return
    place = (0.0, width_mm, height_mm, 0.0)
    grey = {"cmap": "gray", "vmin": study.greys.low, "vmax": study.greys.high}
    axis.imshow(sheet.cut(study.scan), extent=place, interpolation="nearest", **grey)
    areas = sheet.cut(panel.labels)
    axis.imshow(_fill(areas, panel.layers), extent=place, interpolation="nearest")
    for layer in _widest_first(areas, panel.layers):
        y, x = outline_lines(np.isin(areas, layer.values))
        height, width = sheet.pixel_mm
        colour = hexadecimal(layer.colour)
        axis.plot(np.multiply(x, width), np.multiply(y, height), color=colour, linewidth=0.7 * layer.stroke)
    annotate(axis, sheet, next((mm for mm in BARS_MM if mm < width_mm / 3), BARS_MM[-1]))


def _fill(areas: LabelArray, layers: tuple[Layer, ...]) -> FloatArray:
    """Colours with opacity (rows, columns, 4)."""
    picture = np.zeros((*areas.shape, 4))
    for layer in layers:
        if layer.fill:
            picture[np.isin(areas, layer.values)] = (*(part / 255 for part in layer.colour), layer.fill)
    return picture


def _widest_first(areas: LabelArray, layers: tuple[Layer, ...]) -> list[Layer]:
    """What lies inside comes last: its outline is not hidden by that of what lies around it."""
    drawn = [layer for layer in layers if layer.stroke]
    return sorted(drawn, key=lambda layer: -int(np.isin(areas, layer.values).sum()))


def _add_key(figure: Figure, study: StudyPanels) -> None:
    patches = [Patch(color=hexadecimal(colour), label=plain(name)) for name, colour in study.key]
    if study.panels[-1].name == "Difference":
        patches += [
            Patch(color=hexadecimal(one.colour), label=f"difference: {one.name}") for one in DIFFERENCES.values()
        ]
    style: dict[str, Any] = {"frameon": False, "labelcolor": _LIGHT, "fontsize": 10}
    key = figure.legend(handles=patches, loc="outside lower center", ncols=min(len(patches), 7) or 1, **style)
    for words in key.get_texts():
        words.set_parse_math(False)
