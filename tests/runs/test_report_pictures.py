"""Pictures of a report lie as a radiologist expects, and stay few and light however many labels there are."""

import base64
import io
import itertools
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from matplotlib.image import imread

from medseg.core.errors import GeometryError, OutputError
from medseg.runs.report_facts import Measurement, ReportScan
from medseg.runs.report_pictures import FULL_ROWS, Gallery, Picture, draw_gallery

WORLD = ("RL", "AP", "SI")
SHAPE = (40, 44, 36)  # along R, A, S
ORIENTATIONS = ["".join(c) for axes in itertools.permutations(WORLD) for c in itertools.product(*axes)]


def _measured(labels: np.ndarray, *values: int, name: str = "", region: bool = False) -> Measurement:
    voxels = int(np.isin(labels, values).sum())
    return Measurement(name or f"label {values}", values, voxels / 1000, voxels, is_region=region)


def _stored(ras: np.ndarray, codes: str, spacing_mm: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """A volume (R, A, S) as a file with these axes holds it, and its affine."""
    order = [next(world for world, pair in enumerate(WORLD) if code in pair) for code in codes]
    affine = np.zeros((4, 4))
    affine[3, 3] = 1.0
    for axis, (world, code) in enumerate(zip(order, codes, strict=True)):
        affine[world, axis] = spacing_mm[world] * (1 if code in "RAS" else -1)
    return np.transpose(ras, order)[tuple(slice(None, None, 1 if c in "RAS" else -1) for c in codes)], affine


def _gallery(ras: np.ndarray, codes: str = "RAS", spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Gallery:
    labels, affine = _stored(ras.astype(np.uint8), codes, spacing_mm)
    scan = 50.0 + 1000.0 * (labels > 0)
    measured = [_measured(labels, value) for value in sorted(set(np.unique(labels).tolist()) - {0})]
    return draw_gallery(ReportScan("t1", "MR", scan, labels, affine), measured)


def _pictures(gallery: Gallery, row: int = 0) -> list[Picture]:
    return [picture for column in gallery.rows[row].columns for picture in column]


def _centre(picture: Picture) -> tuple[float, float]:
    """Where the outline that stands in front lies, as a share of the drawing's width and height."""
    svg = ET.fromstring(picture.svg)
    _, _, width, height = (float(number) for number in svg.get("viewBox").split())
    shift_x, shift_y, scale_x, scale_y = (float(n) for n in re.findall(r"[\d.]+", svg.find("g").get("transform")))
    path = svg.findall("g/path")[-1].get("d")
    x, y = (int(number) for number in re.match(r"M(\d+) (\d+)", path).groups())
    steps = re.findall(r"([hv])(-?\d+)", path.split("z")[0])
    xs = np.cumsum([x] + [int(length) for kind, length in steps if kind == "h"])
    ys = np.cumsum([y] + [int(length) for kind, length in steps if kind == "v"])
    place_x, place_y = (xs.min() + xs.max()) / 2, (ys.min() + ys.max()) / 2
    return (shift_x + scale_x * place_x) / width, (shift_y + scale_y * place_y) / height


def _grey(picture: Picture) -> np.ndarray:
    data = re.search(r"data:image/png;base64,([^\"]+)", picture.svg)[1]
    return imread(io.BytesIO(base64.b64decode(data)), format="png")


@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_left_front_top_is_right_and_up_whichever_way_the_file_runs(codes: str) -> None:
    corner = np.zeros(SHAPE)
    corner[4:10, 34:40, 28:32] = 1  # the patient's left, front and top: low R, high A, high S
    axial, coronal, sagittal = _pictures(_gallery(corner, codes))
    assert [p.caption.split(",")[0] for p in (axial, coronal, sagittal)] == ["Axial", "Coronal", "Sagittal"]
    for picture, is_right in ((axial, True), (coronal, True), (sagittal, False)):
        x, y = _centre(picture)
        assert (x > 0.6) == is_right
        assert (x < 0.4) != is_right
        assert y < 0.4
        bright_row, bright_column = np.argwhere(_grey(picture) > 0.9).mean(axis=0) / _grey(picture).shape
        assert (bright_column > 0.5) == is_right
        assert bright_row < 0.5


def test_letters_stand_at_the_edges_of_each_plane() -> None:
    ball = np.zeros(SHAPE)
    ball[10:20, 10:20, 10:20] = 1
    for picture, wanted in zip(_pictures(_gallery(ball)), ("RLAP", "RLSI", "APSI"), strict=True):
        svg = ET.fromstring(picture.svg)
        places = {text.text: (float(text.get("x")), float(text.get("y"))) for text in svg.findall("text")}
        left, right, top, bottom = wanted
        assert places[left][0] < places[top][0] < places[right][0]
        assert places[top][1] < places[left][1] < places[bottom][1]


def test_a_millimetre_is_as_long_in_every_direction_and_plane() -> None:
    ball = np.zeros(SHAPE)
    ball[10:20, 10:20, 10:20] = 1
    scales = []
    for picture, (wide, high) in zip(
        _pictures(_gallery(ball, spacing_mm=(1.0, 2.0, 5.0))), ((1, 2), (1, 5), (2, 5)), strict=True
    ):
        transform = ET.fromstring(picture.svg).find("g").get("transform")
        _, _, column_px, row_px = (float(n) for n in re.findall(r"[\d.]+", transform))
        scales += [column_px / wide, row_px / high]
    assert scales == pytest.approx([scales[0]] * 6, rel=1e-4)


def test_the_scale_bar_is_as_long_as_it_says() -> None:
    ball = np.zeros(SHAPE)
    ball[10:20, 10:20, 10:20] = 1
    for picture in _pictures(_gallery(ball, spacing_mm=(1.0, 2.0, 5.0))):
        svg = ET.fromstring(picture.svg)
        column_px = float(re.findall(r"[\d.]+", svg.find("g").get("transform"))[2])
        column_mm = 2.0 if picture.caption.startswith("Sagittal") else 1.0
        start, end = re.match(r"M([\d.]+) .*H([\d.]+)", svg.find("path").get("d")).groups()
        words = svg.findall("text")[-1].text
        assert (float(end) - float(start)) / column_px * column_mm == pytest.approx(int(words.split()[0]), rel=0.01)
        assert words == "20 mm"


def test_planes_go_through_the_largest_cross_section() -> None:
    labels = np.zeros(SHAPE)
    labels[10:12, 10:12, 10] = 1
    labels[20:30, 22:31, 17] = 1
    axial = _pictures(_gallery(labels))[0]
    assert axial.caption == "Axial, k = 17 of 0–35"


def test_an_empty_map_shows_the_scan_alone() -> None:
    labels = np.zeros(SHAPE, np.uint8)
    scan = ReportScan("t1", "MR", np.ones(SHAPE), labels, np.eye(4))
    gallery = draw_gallery(scan, [Measurement("a", (1,), 0.0, 0)])
    assert sum(len(column) for column in gallery.overview) == 3
    assert gallery.rows[0].columns == ()
    assert "<path fill" not in gallery.overview[0][0].svg.split("</g>")[0]


def test_a_region_is_drawn_only_where_it_differs() -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[5:9, 5:9, 5:9], labels[9:12, 5:9, 5:9] = 1, 2
    measured = [_measured(labels, 1, name="a"), _measured(labels, 2, name="b"), _measured(labels, 3, name="c")]
    measured += [_measured(labels, 1, 3, name="a or c", region=True), _measured(labels, 1, 2, name="ab", region=True)]
    gallery = draw_gallery(ReportScan("t1", "", np.ones(SHAPE), labels, np.eye(4)), measured)
    assert [bool(row.columns) for row in gallery.rows] == [True, True, False, False, True]
    assert [row.same_as for row in gallery.rows] == [None, None, None, "a", None]


@pytest.mark.parametrize("shape", [(64, 64, 1), (1, 64, 64), (64, 64, 3)])
def test_edge_on_views_of_a_slab_are_left_out(shape: tuple[int, int, int]) -> None:
    labels = np.ones(shape, np.uint8)
    gallery = draw_gallery(ReportScan("t1", "", labels * 1.0, labels, np.eye(4)), [_measured(labels, 1)])
    assert len(gallery.left_out) == 2
    assert len(_pictures(gallery)) == 1


def test_many_labels_give_an_overview_and_small_cut_outs() -> None:
    labels = np.zeros((200, 200, 60), np.uint8)
    for value in range(1, FULL_ROWS + 2):
        labels[18 * value : 18 * value + 10, 20:40, 20:40] = value
    gallery = draw_gallery(
        ReportScan("ct", "CT", np.full(labels.shape, 40.0), labels, np.eye(4)),
        [_measured(labels, value) for value in range(1, FULL_ROWS + 2)],
    )
    assert gallery.small
    assert sum(len(column) for column in gallery.overview) == 3
    assert all(max(_grey(_pictures(gallery, n)[0]).shape) <= 121 for n in range(FULL_ROWS + 1))


def test_grids_that_differ_are_refused() -> None:
    scan = ReportScan("t1", "", np.ones((3, 4, 5)), np.zeros((3, 4, 6), np.uint8), np.eye(4))
    with pytest.raises(GeometryError, match="on the grid of the result"):
        draw_gallery(scan, [])


def test_measurements_of_another_map_are_refused() -> None:
    scan = ReportScan("t1", "", np.ones(SHAPE), np.ones(SHAPE, np.uint8), np.eye(4))
    with pytest.raises(OutputError, match="'a' was measured as 5 voxels"):
        draw_gallery(scan, [Measurement("a", (1,), 0.005, 5)])
