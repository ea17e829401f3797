"""What each column of a study's gallery shows: image, reference, prediction, and where they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from medseg.core.errors import GeometryError
from medseg.core.labels import values_in
from medseg.core.types import FloatArray, LabelArray
from medseg.runs.colours import Rgb, label_colours
from medseg.runs.evaluation_facts import StudyMaps
from medseg.runs.evaluation_planes import planes_through
from medseg.runs.greys import Greys, grey_window
from medseg.runs.planes import RasGrid, Sheet, ras_grid
from medseg.runs.report_pictures import GREY_HEADROOM, GREY_PERCENTILES
from medseg.runs.report_svg import Layer

AIR_HU = -500.0  # every CT shows air and no MR is so dark; the file does not say which of them it is
FILL, FILL_ERROR = 0.25, 0.6  # opacity over an image, where anatomy must stay readable
FILL_ALONE = 0.85  # over black, where nothing is below
AGREE, OVER, UNDER, OTHER = 1, 2, 3, 4  # values of the map of differences
_RIM, _AGREED = (214, 214, 214), (96, 96, 96)


@dataclass(frozen=True)
class DifferenceKind:
    """One way in which a voxel is wrong.

    Attributes:
        name: As the legend calls it.
        colour: Told apart from the others with every kind of colour vision, by lightness too.
        words: What it stands for.
    """

    name: str
    colour: Rgb
    words: str


DIFFERENCES: Mapping[int, DifferenceKind] = {
    OVER: DifferenceKind("too much", (240, 56, 36), "predicted, not in the reference"),
    UNDER: DifferenceKind("too little", (61, 132, 255), "in the reference, not predicted"),
    OTHER: DifferenceKind("wrong label", (255, 236, 61), "both found something, of different labels"),
}


@dataclass(frozen=True, eq=False)
class Panel:
    """One column.

    Attributes:
        name: Above it.
        labels: Map (R, A, S) that its layers draw; None where there is nothing to draw.
        layers: How its values are drawn.
    """

    name: str
    labels: LabelArray | None
    layers: tuple[Layer, ...] = ()


@dataclass(frozen=True, eq=False)
class StudyPanels:
    """Everything that is drawn of a study, however it is drawn.

    Attributes:
        grid: Of the planes.
        sheets: One a row.
        panels: One a column.
        scan: The image (R, A, S); black where there is none.
        greys: Its grey scale.
        key: Name and colour of each label that is there.
    """

    grid: RasGrid
    sheets: tuple[Sheet, ...]
    panels: tuple[Panel, ...]
    scan: FloatArray
    greys: Greys
    key: tuple[tuple[str, Rgb], ...]

    def caption(self, sheet: Sheet) -> str:
        """Plane and slice, as the file counts it."""
        return self.grid.caption_of_all(sheet.plane, sheet.index)


def panels_of(maps: StudyMaps, site: tuple[int, int, int]) -> StudyPanels:
    """Choose planes, grey scale and colours of a study.

    Args:
        maps: The study. Classes without a name are called by their number.
        site: Voxel of the file that all planes go through.

    Raises:
        GeometryError: Image, reference and prediction differ in shape.
    """
    _check(maps)
    grid = ras_grid(maps.reference.shape, maps.affine_ras)
    sheets = tuple(planes_through(maps, grid, site))
    reference = grid.turn(maps.reference)
    prediction = None if maps.prediction is None else grid.turn(maps.prediction)
    present = _present(maps)
    classes = sorted({*maps.names, *present})
    colours = dict(zip(classes, label_colours([None] * len(classes)), strict=True))
    fill = FILL_ALONE if maps.image is None else FILL
    layers = tuple(Layer((value,), colours[value], stroke=1.6, fill=fill) for value in present)
    panels = [] if maps.image is None else [Panel("Image", np.zeros_like(reference))]
    panels += [Panel("Reference", reference, layers), Panel("Prediction", prediction, layers)]
    if prediction is not None:
        alone = maps.image is None
        panels.append(Panel("Difference", differences(prediction, reference), _difference_layers(alone=alone)))
    black = np.broadcast_to(np.float32(0.0), grid.shape)  # takes no memory
    scan = black if maps.image is None else grid.turn(maps.image)
    key = tuple((maps.names.get(value, f"label {value}"), colours[value]) for value in present)
    return StudyPanels(grid, sheets, tuple(panels), scan, _greys(scan, sheets), key)


def differences(prediction: LabelArray, reference: LabelArray) -> LabelArray:
    """Where and how two maps differ: ``AGREE`` where both hold the same label, ``OVER``, ``UNDER``, ``OTHER``."""
    codes = np.zeros(reference.shape, np.uint8)
    found, expected = prediction > 0, reference > 0
    codes[found & expected] = OTHER
    codes[found & (prediction == reference)] = AGREE
    codes[found & ~expected] = OVER
    codes[expected & ~found] = UNDER
    return codes


def _check(maps: StudyMaps) -> None:
    shapes = {array.shape for array in (maps.prediction, maps.reference, maps.image) if array is not None}
    if len(shapes) > 1:
        raise GeometryError(
            f"Image, reference and prediction of one study have shapes {', '.join(map(str, sorted(shapes)))}. "
            "Bring all to the grid of the reference before drawing them."
        )


def _difference_layers(*, alone: bool) -> tuple[Layer, ...]:
    """The kinds of error, and below them a thin outline of the reference."""
    agreed = (Layer((AGREE,), _AGREED, stroke=0.0, fill=FILL_ALONE),) if alone else ()
    rim = Layer((AGREE, UNDER, OTHER), _RIM, stroke=0.8, fill=0.0)
    fill = FILL_ALONE if alone else FILL_ERROR
    kinds = (Layer((value,), kind.colour, stroke=1.0, fill=fill) for value, kind in DIFFERENCES.items())
    return (*agreed, rim, *kinds)


def _present(maps: StudyMaps) -> list[int]:
    found = values_in(maps.reference)
    if maps.prediction is not None:
        found |= values_in(maps.prediction)
    return sorted(found - {0})


def _greys(scan: FloatArray, sheets: tuple[Sheet, ...]) -> Greys:
    """One scale for all planes, from the part of the image that they show."""
    part = tuple(
        slice(min(sheet.box[axis].start for sheet in sheets), max(sheet.box[axis].stop for sheet in sheets))
        for axis in range(3)
    )
    is_ct = bool(np.nanmin(scan, initial=0.0) < AIR_HU)
    return grey_window(scan[part], "CT" if is_ct else "", percentiles=GREY_PERCENTILES, headroom=GREY_HEADROOM)
