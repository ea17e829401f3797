"""Which planes of a study its report shows: for each label those that cut most of it.

Up to ``FULL_ROWS`` labels, each has a row of three planes through the whole body part. With more, such a page would
be long, heavy and hard to read: one overview of all labels is followed by a small row for each, cut out around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from medseg.core.errors import GeometryError
from medseg.core.types import FloatArray, LabelArray
from medseg.runs.colours import Rgb, label_colours
from medseg.runs.greys import Greys, grey_window
from medseg.runs.label_counts import VoxelCounts, check_measured, count_voxels, equal_regions
from medseg.runs.planes import RasGrid, Sheet, body_box, fullest, ras_grid, worth_drawing
from medseg.runs.report_facts import Measurement, ReportScan
from medseg.runs.report_layout import around, arrange
from medseg.runs.report_svg import Frame, Layer, draw_svg

FULL_ROWS = 8  # labels; more full rows than these are no longer looked at
FULL_LIMIT = 512  # rows or columns of a grey picture: the matrix of a CT
SMALL_LIMIT, SMALL_ROWS = 256, 40  # the same in a small row; above so many rows fewer, so that the page stays light
AROUND_MM, FIELD_MM = 20.0, 120.0  # shown around a label in a small row, and at least shown in all
FILL = 0.25
GREY_PERCENTILES = (0.5, 98.0)  # around the labels: of the whole head, the fat of the scalp would leave a brain dark
GREY_HEADROOM = 0.25  # so that tissue is grey, and what is brighter still stands out
GREY_FIELD_MM = 60.0  # at least so much is looked at around a label, and no margin: it would reach the scalp


@dataclass(frozen=True)
class Picture:
    """One drawing.

    Attributes:
        svg: For the page.
        caption: Plane and slice.
        width: In pixels of a usual screen.
    """

    svg: str
    caption: str
    width: float


# From left to right; in a column from top to bottom.
Columns = tuple[tuple[Picture, ...], ...]


@dataclass(frozen=True)
class LabelRow:
    """The pictures of one label or region.

    Attributes:
        measurement: The label.
        colour: Its colour.
        columns: Its pictures; none where it was not found, or is the same as another.
        same_as: Name of a label with just these voxels; None where there is none.
    """

    measurement: Measurement
    colour: Rgb
    columns: Columns = ()
    same_as: str | None = None


@dataclass(frozen=True)
class Gallery:
    """All pictures of a report.

    Attributes:
        overview: Planes with all labels; empty where rows show all there is.
        rows: One for each measurement, in their order.
        small: Whether rows are cut out around their labels.
        greys: Grey scale of all pictures.
        left_out: Names of planes that are too thin to draw.
    """

    overview: Columns
    rows: tuple[LabelRow, ...]
    small: bool
    greys: Greys
    left_out: tuple[str, ...]


def draw_gallery(scan: ReportScan, measurements: Sequence[Measurement]) -> Gallery:
    """Draw every picture of a report.

    The patient's right is on the left of axial and coronal pictures, and the front on the left of sagittal
    ones; millimetres are as long in every direction. An empty label map gives the overview alone.

    Args:
        scan: The channel and the label map.
        measurements: Labels and regions.

    Raises:
        GeometryError: Channel and label map differ in shape.
        OutputError: A measurement and the label map disagree, or the map holds a value that none names.
    """
    if scan.array.shape != scan.labels.shape:
        raise GeometryError(
            f"The picture of channel '{scan.channel}' has shape {scan.array.shape}, its label map {scan.labels.shape}. "
            "Give the channel on the grid of the result."
        )
    artist = _Artist.of(scan, measurements)
    check_measured(artist.counts, measurements)
    same = equal_regions(artist.counts, measurements)
    drawn = [n for n, one in enumerate(measurements) if one.voxels and n not in same]
    small = len(drawn) > FULL_ROWS
    rows = [
        LabelRow(
            measurement=one,
            colour=artist.colours[n],
            columns=artist.row(n, drawn=len(drawn), small=small) if n in drawn else (),
            same_as=same.get(n),
        )
        for n, one in enumerate(measurements)
    ]
    overview = artist.overview() if small or not drawn else ()
    return Gallery(overview, tuple(rows), small, artist.greys, artist.left_out)


@dataclass(frozen=True, eq=False)
class _Artist:
    """What all pictures of a study share.

    Attributes:
        source: As given.
        measurements: As given.
        colours: Of each measurement.
        grid: Turns the file's volumes to (R, A, S).
        scan: The channel (R, A, S).
        labels: The label map (R, A, S).
        counts: For each axis the voxels of each value in each slice (slices, values).
        greys: Grey scale.
        box: The part of the volume with a body in it.
    """

    source: ReportScan
    measurements: Sequence[Measurement]
    colours: Sequence[Rgb]
    grid: RasGrid
    scan: FloatArray
    labels: LabelArray
    counts: VoxelCounts
    greys: Greys
    box: tuple[slice, slice, slice]

    @classmethod
    def of(cls, source: ReportScan, measurements: Sequence[Measurement]) -> _Artist:
        grid = ras_grid(source.array.shape, source.affine_ras)
        scan, labels = grid.turn(source.array), grid.turn(source.labels)
        counts = count_voxels(labels, measurements)
        part, place = _where_greys_matter(counts, grid)
        greys = grey_window(
            scan[part], source.modality, percentiles=GREY_PERCENTILES, headroom=GREY_HEADROOM, place=place
        )
        body = scan > greys.low if source.modality == "CT" else scan != 0  # air is −1000 HU, or 0
        return cls(
            source,
            measurements,
            label_colours([one.colour for one in measurements]),
            grid,
            scan,
            labels,
            counts,
            greys,
            body_box(body | (labels > 0)),
        )

    @property
    def left_out(self) -> tuple[str, ...]:
        sheets = self._sheets((0, 0, 0), self.box)
        kept = {sheet.plane.name for sheet in worth_drawing(sheets)}
        return tuple(sheet.plane.name for sheet in sheets if sheet.plane.name not in kept)

    def overview(self) -> Columns:
        """Planes that cut the most labels, and of those the ones that cut most of them; the middle of an empty map."""
        foreground = [counts[:, 1:] for counts in self.counts]
        scores = [(areas > 0).sum(axis=1) * float(areas.sum() + 1) + areas.sum(axis=1) for areas in foreground]
        layers = [
            Layer(one.values, colour, stroke=1.0, fill=FILL)
            for one, colour in zip(self.measurements, self.colours, strict=True)
            if not one.is_region
        ]
        return self._draw([fullest(score) for score in scores], self.box, layers, "all labels")

    def row(self, number: int, *, drawn: int, small: bool) -> Columns:
        """Planes that cut most of one label."""
        one = self.measurements[number]
        slices = [counts[:, list(one.values)].sum(axis=1) for counts in self.counts]
        box = around(slices, self.grid, AROUND_MM, FIELD_MM) if small else self.box
        limit = round(SMALL_LIMIT * min(1.0, (SMALL_ROWS / drawn) ** 0.5)) if small else FULL_LIMIT
        index = [fullest(areas) for areas in slices]
        return self._draw(index, box, self._layers(number), one.name, limit=limit, small=small)

    def _layers(self, number: int) -> list[Layer]:
        """The label itself with fill and a strong outline, others thin; in a region its labels carry the fill."""
        current = self.measurements[number]
        layers, filled = [], False
        for one, colour in zip(self.measurements, self.colours, strict=True):
            if one is current or one.is_region:
                continue
            inside = current.is_region and set(one.values) <= set(current.values)
            filled |= inside
            layers.append(Layer(one.values, colour, stroke=1.2, fill=FILL if inside else 0.0))
        fill = 0.0 if filled else FILL
        return [*layers, Layer(current.values, self.colours[number], stroke=2.2, fill=fill, front=True)]

    def _sheets(self, index: tuple[int, int, int], box: tuple[slice, slice, slice]) -> list[Sheet]:
        return [Sheet(plane, index, box, self.grid.spacing_mm) for plane in self.grid.planes]

    def _draw(
        self,
        index: Sequence[int],
        box: tuple[slice, slice, slice],
        layers: Sequence[Layer],
        shown: str,
        *,
        limit: int = FULL_LIMIT,
        small: bool = False,
    ) -> Columns:
        place = (index[0], index[1], index[2])
        sheets = [sheet for sheet in self._sheets(place, box) if sheet.plane.name not in self.left_out]
        columns = arrange(sheets, small=small)
        bar_mm = min(frame.longest_bar_mm for column in columns for frame in column)
        return tuple(
            tuple(self._picture(frame, place, layers, shown, bar_mm=bar_mm, limit=limit) for frame in column)
            for column in columns
        )

    def _picture(
        self,
        frame: Frame,
        place: tuple[int, int, int],
        layers: Sequence[Layer],
        shown: str,
        *,
        bar_mm: int,
        limit: int,
    ) -> Picture:
        plane = frame.sheet.plane
        caption = self.grid.caption_of_all(plane, place)
        edge = f"; left edge is {plane.letters[0]}" if plane.letters else ""
        alt = f"{caption}: channel {self.source.channel} with {shown} outlined{edge}"
        svg = draw_svg(frame, self.scan, self.labels, layers, self.greys, bar_mm=bar_mm, limit=limit, alt=alt)
        return Picture(svg, caption, frame.outer[0])


def _where_greys_matter(counts: VoxelCounts, grid: RasGrid) -> tuple[tuple[slice, ...], str]:
    """The part of a volume whose contrast must be seen, and what it is called."""
    slices = [areas[:, 1:].sum(axis=1) for areas in counts]
    if slices[0].any():
        return around(slices, grid, 0.0, GREY_FIELD_MM), " around the labels"
    return tuple(slice(size // 4, size - size // 4) for size in grid.shape), " in the middle of the volume"
