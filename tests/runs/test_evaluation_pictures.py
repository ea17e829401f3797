"""The gallery's HTML: planes lie as a radiologist expects, colours on the right voxels, and it fits a phone."""

import base64
import io
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from html import escape
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from medseg.runs.colours import hexadecimal
from medseg.runs.evaluation_facts import StudyMaps
from medseg.runs.evaluation_panels import DIFFERENCES, OTHER, OVER, UNDER
from medseg.runs.evaluation_pictures import GALLERY_STYLE, NO_PREDICTION, difference_legend, draw_study

SHAPE = (40, 44, 36)
NASTY = '<script>alert(1)</script>"&\u202e'
SITE = (7, 37, 30)


def _corner() -> np.ndarray:
    """A label at the patient's left, front and top: low R, high A, high S."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[4:10, 34:40, 28:32] = 1
    return labels


def _html(prediction: np.ndarray | None, reference: np.ndarray, *, pictured: bool = True, **changes: object) -> str:
    given = {"affine_ras": np.eye(4), "names": {1: "core", 2: "oedema"}} | changes
    image = 50.0 + 1000.0 * (reference > 0) if pictured else None
    return draw_study(StudyMaps(prediction, reference, image, **given), SITE, title="P1").html


def _drawings(fragment: str) -> list[ET.Element]:
    return ET.fromstring(f"<div>{fragment}</div>").findall(".//svg")


def _extents(svg: ET.Element, colour: str) -> tuple[float, float]:
    """Middle of the paths of a colour, as a share of the scan's width and height."""
    scan = svg.find("g/image")
    points = []
    for path in svg.findall("g/path"):
        if path.get("stroke") == colour:
            for x, y, steps in re.findall(r"M(\d+) (\d+)([^z]*)z", path.get("d")):
                xs = np.cumsum([int(x)] + [int(n) for n in re.findall(r"h(-?\d+)", steps)])
                ys = np.cumsum([int(y)] + [int(n) for n in re.findall(r"v(-?\d+)", steps)])
                points.append(((xs.min() + xs.max()) / 2, (ys.min() + ys.max()) / 2))
    x, y = np.mean(points, axis=0)
    return float(x) / float(scan.get("width")), float(y) / float(scan.get("height"))


@pytest.mark.parametrize("flip", [False, True])
def test_left_front_top_is_right_and_up_in_image_and_labels(flip: bool) -> None:
    corner, affine = _corner(), np.eye(4)
    if flip:  # as DICOM has it: towards the patient's left and back
        affine[:2, :2] *= -1
        corner = corner[::-1, ::-1]
    site = (32, 6, 30) if flip else SITE
    maps = StudyMaps(corner, corner, 50.0 + 1000.0 * corner, affine, {1: "core"})
    drawings = _drawings(draw_study(maps, site, title="P1").html)
    assert len(drawings) == 12
    for row, (is_right, letters) in enumerate([(True, "RLAP"), (True, "RLSI"), (False, "APSI")]):
        image, reference, prediction, _ = drawings[4 * row : 4 * row + 4]
        for svg in (reference, prediction):
            x, y = _extents(svg, "#e69f00")
            assert (x > 0.6) == is_right
            assert (x < 0.4) != is_right
            assert y < 0.45
        data = base64.b64decode(image.find("g/image").get("href").partition(",")[2])
        grey = imread(io.BytesIO(data), format="png")
        bright_row, bright_column = np.argwhere(grey > 0.7).mean(axis=0) / grey.shape
        assert (bright_column > 0.5) == is_right
        assert bright_row < 0.5
        assert [text.text for text in image.findall("text")][:4] == list(letters)


def test_a_millimetre_is_as_long_in_both_directions_and_the_bar_says_how_long() -> None:
    html = _html(_corner(), _corner(), affine_ras=np.diag([1.0, 2.0, 5.0, 1.0]))
    for number, svg in enumerate(_drawings(html)):
        wide, high = [(1.0, 2.0), (1.0, 5.0), (2.0, 5.0)][number // 4]
        _, _, column_px, row_px = map(float, re.findall(r"[\d.]+", svg.find("g").get("transform")))
        assert column_px / wide == pytest.approx(row_px / high, rel=1e-4)
        start, end = map(float, re.match(r"M([\d.]+) .*H([\d.]+)", svg.find("path").get("d")).groups())
        words = svg.findall("text")[-1].text
        assert (end - start) / column_px * wide == pytest.approx(float(words.split()[0]), rel=0.02)
        assert words.endswith(" mm")


def test_errors_have_their_colours_where_they_are() -> None:
    reference, prediction = np.zeros((2, 40, 40, 40), np.uint8)
    reference[4:34, 10:30, 10:30], prediction[8:38, 10:30, 10:30] = 1, 1
    prediction[14:20, 10:30, 10:30] = 2
    maps = StudyMaps(prediction, reference, None, np.eye(4), {1: "core", 2: "oedema"})
    axial = _drawings(draw_study(maps, (15, 20, 20), title="P1").html)[2]
    places = {kind: _extents(axial, hexadecimal(DIFFERENCES[kind].colour)) for kind in (OVER, UNDER, OTHER)}
    # Along R from 0 to 40 and drawn from right to left of the page: 36, 6 and 17.
    for kind, middle in {OVER: 36, UNDER: 6, OTHER: 17}.items():
        assert places[kind] == pytest.approx((1 - middle / 40, 0.5))


def test_a_perfect_prediction_shows_no_error() -> None:
    html = _html(_corner(), _corner())
    assert not any(f'stroke="{hexadecimal(kind.colour)}"' in html for kind in DIFFERENCES.values())


def test_without_an_image_labels_stand_on_black_and_its_column_is_left_out() -> None:
    html = _html(_corner(), _corner(), pictured=False)
    assert re.findall(r"<figcaption>(\w+)</figcaption>", html) == ["Reference", "Prediction", "Difference"] * 3
    data = base64.b64decode(_drawings(html)[0].find("g/image").get("href").partition(",")[2])
    assert imread(io.BytesIO(data), format="png").max() == 0.0


def test_a_prediction_that_is_not_there_is_said_so() -> None:
    html = _html(None, _corner())
    assert html.count(NO_PREDICTION) == 3
    assert re.findall(r"<figcaption>(\w+)</figcaption>", html) == ["Image", "Reference", "Prediction"] * 3


def test_a_flat_map_has_one_row() -> None:
    flat = np.zeros((64, 50, 1), np.uint8)
    flat[10:30, 10:30] = 1
    html = draw_study(StudyMaps(flat, flat, None, np.eye(4), {1: "cell"}), (20, 20, 0), title="P1").html
    assert len(_drawings(html)) == 3
    assert "Axial, k = 0 of 0–0" in html


def test_captions_count_slices_as_the_file_does() -> None:
    html = _html(_corner(), _corner(), affine_ras=np.diag([-1.0, -1.0, 1.0, 1.0]))
    captions = re.findall(r'<p class="g-caption">(.*?)</p>', html)
    assert captions == ["Axial, k = 30 of 0–35", "Coronal, j = 37 of 0–43", "Sagittal, i = 7 of 0–39"]


def test_names_and_titles_are_text_whatever_is_in_them() -> None:
    maps = StudyMaps(_corner(), _corner(), None, np.eye(4), {1: NASTY})
    picture = draw_study(maps, SITE, title=NASTY)
    assert "<script" not in picture.html
    assert "\u202e" not in picture.html
    assert escape("<script>alert(1)</script>") in picture.html
    assert len(_drawings(picture.html)) == 9


def test_the_fragment_needs_nothing_from_outside() -> None:
    html = _html(_corner(), _corner()) + difference_legend()
    assert not re.search(r"<(script|link|iframe)|\bon\w+=|@import", html)
    assert re.findall(r'(?:href|src)="(?!data:image/png;base64,)', html) == []
    assert "url(" not in GALLERY_STYLE
    assert all(name.startswith("g-") for names in re.findall(r'class="([^"]*)"', html) for name in names.split())
    assert not re.search(r"[^-]width:\d", html)  # no width but the largest


def test_the_legend_names_every_kind_of_error_with_its_colour() -> None:
    for kind in DIFFERENCES.values():
        assert f"background:{hexadecimal(kind.colour)}" in difference_legend()
        assert kind.name in difference_legend()


def test_a_study_weighs_little() -> None:
    rng = np.random.default_rng(0)
    labels = np.zeros((240, 240, 155), np.uint8)
    labels[60:160, 60:160, 40:120] = 1
    maps = StudyMaps(labels, labels, rng.normal(100, 20, labels.shape).astype(np.float32), np.eye(4), {1: "a"})
    assert len(draw_study(maps, (100, 100, 80), title="P1").html) < 500_000  # noise; a scan takes a third


@pytest.mark.external
@pytest.mark.parametrize("width", [1150, 400])
def test_a_browser_fits_the_gallery_into_the_page(tmp_path: Path, width: int) -> None:
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("chromium is not on PATH: apt-get install chromium")
    body = difference_legend() + _html(np.roll(_corner(), 2, 0), _corner())
    inner = f'<meta name="viewport" content="width=device-width"><style>{GALLERY_STYLE}</style><body>{body}'
    measure = (
        "const page = document.querySelector('iframe').contentDocument;"
        "const tops = [...page.querySelectorAll('.g-panels')[0].children].map(one => one.getBoundingClientRect().top);"
        "document.title = [page.documentElement.scrollWidth, new Set(tops).size].join(' ');"
    )
    (tmp_path / "page.html").write_text(
        f'<iframe style="border:0;width:{width}px;height:900px" srcdoc="{escape(inner)}"></iframe>'
        f'<script>addEventListener("load", () => {{{measure}}})</script>',
        encoding="utf-8",
    )
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'browser'}"]
    command += ["--window-size=1300,1000", "--dump-dom", (tmp_path / "page.html").as_uri()]
    dumped = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    reach, rows = re.search(r"<title>(\d+) (\d+)</title>", dumped).groups()
    assert int(reach) <= width
    assert int(rows) == (1 if width > 640 else 2)
