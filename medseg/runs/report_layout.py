"""How the planes of one label share the width of a page, and how much of the volume they show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from medseg.runs.planes import RasGrid, Sheet
from medseg.runs.report_svg import Frame

FULL_WIDTH, FULL_HEIGHT, FULL_LETTER = 1100.0, 460.0, 14.0  # pixels of the screen for the three planes of a row
SMALL_WIDTH, SMALL_HEIGHT, SMALL_LETTER = 530.0, 260.0, 12.0
FLAT = 0.75  # of the first plane's height: room for captions and letters between the others


def around(
    slices: Sequence[npt.NDArray[np.int64]], grid: RasGrid, margin_mm: float, field_mm: float
) -> tuple[slice, slice, slice]:
    """The part of a volume around a label that fills these areas of its slices, and at least so large."""
    parts = []
    for areas, spacing in zip(slices, grid.spacing_mm, strict=True):
        held = np.flatnonzero(areas)
        half = max((held[-1] - held[0] + 1) / 2 + margin_mm / spacing, field_mm / 2 / spacing)
        centre = (held[0] + held[-1] + 1) / 2
        parts.append(slice(max(0, round(centre - half)), min(len(areas), round(centre + half))))
    return parts[0], parts[1], parts[2]


def arrange(sheets: Sequence[Sheet], *, small: bool) -> list[list[Frame]]:
    """Columns of one row, all at one scale, as large as the row allows."""
    width, height = (SMALL_WIDTH, SMALL_HEIGHT) if small else (FULL_WIDTH, FULL_HEIGHT)
    letter = SMALL_LETTER if small else FULL_LETTER
    columns = _columns(sheets)
    empty = Frame(sheets[0], 0.0, letter).outer  # borders alone
    widths = [max(sheet.size_mm[0] for sheet in column) for column in columns]
    tallest = max(sheet.size_mm[1] for sheet in sheets)
    scale = min((width - empty[0] * len(columns)) / sum(widths), (height - empty[1]) / tallest)
    return [[Frame(sheet, scale, letter) for sheet in column] for column in columns]


def _columns(sheets: Sequence[Sheet]) -> list[list[Sheet]]:
    """Flat planes of a slab stand one above the other beside the tall one, and all become larger."""
    first, *others = sheets
    if len(others) > 1 and sum(sheet.size_mm[1] for sheet in others) <= FLAT * first.size_mm[1]:
        return [[first], others]
    return [[sheet] for sheet in sheets]
