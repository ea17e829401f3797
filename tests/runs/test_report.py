"""A report tells all it was given and nothing else, in one page that loads and runs nothing."""

import dataclasses
import re
import shutil
import subprocess
import time
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from medseg.core.errors import OutputError
from medseg.core.redact import Redactor
from medseg.core.verdict import Finding
from medseg.runs.report import write_report
from medseg.runs.report_facts import Measurement, ReportBundle, ReportChannel, ReportRun, ReportScan, StudyReport

SHAPE = (40, 44, 36)
HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>"


def _labels() -> np.ndarray:
    labels = np.zeros(SHAPE, np.uint8)
    labels[4:12, 32:40, 26:32] = 4  # the patient's left, front and top
    labels[20:26, 10:20, 10:20] = 2
    return labels


def _report(labels: np.ndarray | None = None, **changes: object) -> StudyReport:
    labels = _labels() if labels is None else labels
    names = {1: "NCR", 2: "ED", 4: "ET"} if labels.max() <= 4 else {n: f"organ {n}" for n in range(1, labels.max() + 1)}
    counts = {value: int((labels == value).sum()) for value in names}
    measured = [Measurement(name, (n,), counts[n] / 1000, counts[n]) for n, name in names.items()]
    measured[0] = dataclasses.replace(measured[0], colour=(1, 2, 3))
    report = StudyReport(
        study="study-3f2a91c07b",
        bundle=ReportBundle("brats_unet3d", "0.3.0", "ab12" * 16, "Research on glioma.", "Not a medical device."),
        channels=(
            ReportChannel(
                "t1c", "contrast agent is given", 11, "T1 post", (9, 8, 7), (0.5, 0.5, 6.5), True, "accepted"
            ),
        ),
        warnings=(),
        measurements=tuple(measured),
        scan=ReportScan("t1c", "MR", np.random.default_rng(0).uniform(50, 100, labels.shape), labels, np.eye(4)),
        run=ReportRun("0.4.0", "cpu", "bf16", 12.34, ("prediction.nii.gz", "segmentation.dcm")),
    )
    return dataclasses.replace(report, **changes)


def _page(folder: Path, report: StudyReport) -> str:
    write_report(folder / "report.html", report)
    return (folder / "report.html").read_text(encoding="utf-8")


class _Page(HTMLParser):
    """Tags, attributes and words of a page; fails on a tag that is closed out of order."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data + " "


def test_the_page_tells_what_it_was_given(tmp_path: Path) -> None:
    page = _Page(_page(tmp_path, _report()))
    assert page.open == []
    words = " ".join(page.words.split())
    for told in (
        "study-3f2a91c07b",
        "brats_unet3d",
        "0.3.0",
        "ab12" * 16,
        "Research on glioma.",
        "Not a medical device.",
    ):
        assert told in words
    for told in ("t1c contrast agent is given 11 T1 post 9 × 8 × 7 0.5 × 0.5 × 6.5 yes accepted", "ED label 2 0.600"):
        assert told in words
    for told in ("40 × 44 × 36", "RAS", "medseg 0.4.0 on cpu, bf16", "12.3 s", "prediction.nii.gz segmentation.dcm"):
        assert told in words
    assert "NCR label 1 not found 0" in words
    assert "The bundle states none." in words


def test_each_label_has_one_colour_in_table_and_pictures(tmp_path: Path) -> None:
    page = _page(tmp_path, _report())
    row = page.split('id="label-1"')[1].split('id="label-2"')[0]
    (colour,) = set(re.findall(r"background:(#[0-9a-f]{6})", row))
    table = page.split("<table")[1].split("</table>")[0]
    assert f'background:{colour}"></span><a href="#label-1">ED' in table
    assert f'stroke="{colour}" stroke-width="2.2"' in row
    assert 'background:#010203"></span>NCR' in table  # its own, as in the SEG


def test_nothing_comes_from_outside_and_nothing_runs(tmp_path: Path) -> None:
    text = _page(tmp_path, _report())
    page = _Page(text)
    assert {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "embed", "base", "form"} == set()
    assert not re.search(r"https?:|//[a-z]|url\(|@import", text.replace("+//", "").split("<body>")[0])
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("src", "href", "action", "data"):
            assert (attributes.get(name) or "#").startswith(("#", "data:image/png;base64,")), tag
    policy = next(one["content"] for _, one in page.tags if one.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")


def test_hostile_words_are_only_words(tmp_path: Path) -> None:
    hostile = Redactor([])
    hostile.text = lambda text: HOSTILE  # type: ignore[method-assign]
    plain, attacked = _Page(_page(tmp_path, _report())), _Page(_page(tmp_path, _report().redacted(hostile)))
    assert {tag for tag, _ in attacked.tags} == {tag for tag, _ in plain.tags}
    assert {name for _, one in attacked.tags for name in one} == {name for _, one in plain.tags for name in one}
    assert HOSTILE in attacked.words


def test_characters_that_do_not_print_are_shown(tmp_path: Path) -> None:
    page = _page(tmp_path, _report(study="a\x00b\u202ec\ud800d"))
    assert "a�b�c�d" in page


def test_equal_reports_are_equal_bytes(tmp_path: Path) -> None:
    assert _page(tmp_path, _report()) == _page(tmp_path, _report())


def test_warnings_stand_before_all_else_with_their_codes_each_once(tmp_path: Path) -> None:
    finding = Finding("lossy", "Series 11 was compressed with loss.")
    channel = dataclasses.replace(_report().channels[0], warnings=(finding, finding), verdict="accepted_with_warnings")
    page = _page(tmp_path, _report(warnings=(Finding("overlap", "Only 92 % overlap."),), channels=(channel,)))
    box = page.split('class="box warning"')[1].split("</section>")[0]
    assert "2 warnings" in box
    assert "<code>overlap</code> Only 92 % overlap." in box
    assert "<code>lossy</code> channel t1c: Series 11 was compressed with loss." in box
    assert page.index("box warning") < page.index("<h2>Measurements")
    assert "No warning" not in page


def test_no_warning_is_no_praise(tmp_path: Path) -> None:
    words = " ".join(_Page(_page(tmp_path, _report())).words.split())
    assert "No warning was raised." in words
    assert "does not mean that the result is right" in words


def test_an_empty_map_is_said_at_the_top(tmp_path: Path) -> None:
    page = _page(tmp_path, _report(np.zeros(SHAPE, np.uint8)))
    assert page.index("The label map is empty") < page.index("<h2>Measurements")
    assert page.count("<svg") == 3
    assert "The label map is empty" not in _page(tmp_path, _report())


def test_an_oblique_grid_is_said(tmp_path: Path) -> None:
    turn = np.radians(20)
    affine = np.eye(4)
    affine[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    scan = dataclasses.replace(_report().scan, affine_ras=affine)
    assert "oblique by 20.0 degrees" in _page(tmp_path, _report(scan=scan))
    assert "oblique" not in _page(tmp_path, _report())


def test_every_picture_says_what_it_shows(tmp_path: Path) -> None:
    page = _Page(_page(tmp_path, _report()))
    drawings = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert len(drawings) == 6
    for attributes in drawings:
        assert attributes["role"] == "img"
        assert re.match(r"(Axial|Coronal|Sagittal), [ijk] = \d+ of 0–\d+: channel t1c", attributes["aria-label"] or "")


def test_an_identity_is_taken_out_of_every_text(tmp_path: Path) -> None:
    report = dataclasses.replace(
        _report(study="dumbledore-1", warnings=(Finding("x", "of ALBUS"),)),
        run=ReportRun("1", "cpu", "bf16", 1.0, ("18810626.nii.gz",)),
        channels=(dataclasses.replace(_report().channels[0], description="Albus T1", recognised="26.06.1881"),),
    )
    page = _page(tmp_path, report.redacted(Redactor(["Dumbledore^Albus", "18810626"]))).lower()
    assert not [word for word in ("albus", "dumbledore", "1881") if word in re.sub(r"base64,[^\"]*", "", page)]
    assert page.count("[removed]") >= 5


def test_thirty_one_organs_are_one_light_page_within_seconds(tmp_path: Path) -> None:
    labels = np.zeros((256, 256, 60), np.uint8)
    for value in range(1, 32):
        i, j = divmod(value, 6)
        labels[20 + 38 * i : 50 + 38 * i, 14 + 38 * j : 44 + 38 * j, 10:50] = value
    began_s = time.monotonic()
    page = _page(tmp_path, _report(labels))
    assert time.monotonic() - began_s < 10.0
    assert len(page) < 10e6
    assert page.count("<svg") == 3 + 3 * 31


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Cannot write"):
        write_report(tmp_path / "file" / "report.html", _report())


@pytest.mark.external
def test_a_browser_draws_the_page_right_side_up(tmp_path: Path) -> None:
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("chromium is not on PATH: apt-get install chromium")
    labels, colour = np.where(_labels() == 4, 4, 0).astype(np.uint8), (255, 0, 255)
    measured = (Measurement("ET", (4,), 0.384, 384, colour=colour),)
    write_report(tmp_path / "report.html", _report(labels, measurements=measured))
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1200,1400"]
    command += [f"--user-data-dir={tmp_path / 'browser'}"]
    page, shot = (tmp_path / "report.html").as_uri(), tmp_path / "shot.png"
    dumped = subprocess.run([*command, "--dump-dom", page], capture_output=True, text=True, timeout=120, check=True)
    assert dumped.stdout.count("<svg") == 3
    subprocess.run([*command, f"--screenshot={shot}", page], capture_output=True, timeout=120, check=True)
    left_third = imread(shot)[:, :380, :3] * 255  # the axial picture, and no other
    black = np.argwhere(left_third.max(axis=-1) < 3)
    label = np.argwhere(np.abs(left_third - colour).max(axis=-1) < 12)
    label = label[label[:, 0] > black[:, 0].min()]  # without the colour's square in the table
    assert len(black) > 10_000
    assert len(label) > 100
    middle = (black.min(axis=0) + black.max(axis=0)) / 2
    assert label[:, 0].mean() < middle[0] - 50
    assert label[:, 1].mean() > middle[1] + 50
