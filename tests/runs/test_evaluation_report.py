"""The report of an evaluation is one page with its charts in it, and the same charts as files."""

import base64
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from medseg.core.errors import OutputError
from medseg.runs.evaluation_report import write_evaluation_report
from tests.browser import seen
from tests.evaluations import evaluation, study
from tests.runs.evaluation_examples import everything, facts_of, hostile, without_core
from tests.runs.html_page import HtmlPage

FIGURES = ["dice", "surface-dice", "hd95", "volume-agreement", "dice-against-volume"]
TAGS_OF_A_CHART = {"svg", "g", "defs", "path", "style", "use", "rect", "clippath", "text"}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a report with everything that there can be."""
    folder = tmp_path_factory.mktemp("report")
    write_evaluation_report(folder, everything())
    return folder


def _page(folder: Path) -> HtmlPage:
    return HtmlPage((folder / "report.html").read_text(encoding="utf-8"))


def _charts(page: HtmlPage) -> list[HtmlPage]:
    prefix = "data:image/svg+xml;base64,"
    sources = [one["src"] or "" for one in page.attributes("img")]
    assert all(source.startswith(prefix) for source in sources)
    return [HtmlPage(base64.b64decode(source.removeprefix(prefix)).decode()) for source in sources]


def test_figures_lie_beside_the_page_and_in_it(written: Path) -> None:
    found = sorted(path.name for path in (written / "figures").iterdir())
    assert found == sorted([*(f"{name}.png" for name in FIGURES), "gallery-1.png", "gallery-2.png"])
    for name in FIGURES:
        assert imread(written / "figures" / f"{name}.png").shape[1] >= 900
    page = _page(written)
    charts = _charts(page)
    assert len(charts) == 3 + 2 + 2
    assert "no prediction or the label in neither mask: whole (1 study), core (1 study)." in page.words
    assert all(one["alt"] for one in page.attributes("img"))
    for chart, title in zip(charts, ("Dice", "Surface Dice", "HD95, mm"), strict=False):
        assert "whole n = 9, 1 penalised core n = 9, 2 penalised" in chart.words
        assert title in chart.words


def test_the_gallery_lies_there_as_it_was_drawn(written: Path) -> None:
    for number, one in enumerate(everything().gallery, start=1):
        picture = imread(written / "figures" / f"gallery-{number}.png")
        assert np.array_equal(np.rint(picture[..., :3] * 255).astype(np.uint8), one.picture.png)


def test_limits_of_agreement_are_written_beside_their_lines(written: Path) -> None:
    # Volumes of the whole are all alike; that of the core is 64 mm³, and one of eight predictions lacks it.
    whole, core = _charts(_page(written))[3:5]
    assert "whole, n = 8" in whole.words
    assert "mean 0.000 +1.96 SD 0.000 −1.96 SD 0.000" in whole.words
    mean, deviation = -0.064 / 8, 0.064 / 8**0.5
    limits = [f"{value:+.3f}".replace("-", "−") for value in (mean, mean + 1.96 * deviation, mean - 1.96 * deviation)]
    assert f"mean {limits[0]} +1.96 SD {limits[1]} −1.96 SD {limits[2]}" in core.words


def test_the_page_needs_no_other_file(written: Path) -> None:
    text = (written / "report.html").read_text(encoding="utf-8")
    assert "@import" not in text
    assert "url(" not in re.sub(r"base64,[^\"]*", "", text)
    assert len(text) < 1_000_000
    for chart in _charts(_page(written)):
        assert {tag for tag, _ in chart.tags} <= TAGS_OF_A_CHART
        assert all(
            (value or "#").startswith("#") for _, one in chart.tags for key, value in one.items() if "href" in key
        )


def test_hostile_names_are_only_words_in_charts_too(tmp_path: Path) -> None:
    write_evaluation_report(tmp_path, hostile())
    for chart in _charts(_page(tmp_path)):
        assert {tag for tag, _ in chart.tags} <= TAGS_OF_A_CHART
        assert "<script>alert(1)</script" in chart.words


def test_many_labels_go_on_in_further_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medseg.runs.evaluation_charts.LABELS_A_FIGURE", 1)
    paths = write_evaluation_report(tmp_path, facts_of(evaluation({"s1": 0, "s2": 1})))
    assert paths[0] == tmp_path / "report.html"
    assert sorted(path.stem for path in paths[1:]) == sorted([*FIGURES, *(f"{name}-2" for name in FIGURES)])
    assert all(path.is_file() for path in paths)
    assert len(_page(tmp_path).attributes("img")) == 2 * 3 + 2 * 2


def test_one_study_and_a_label_without_a_score_have_charts_too(tmp_path: Path) -> None:
    write_evaluation_report(tmp_path, facts_of(without_core(evaluation({"s1": 1}))))
    charts = _charts(_page(tmp_path))
    assert "whole n = 1 core not scored" in charts[0].words
    assert "+1.96 SD" not in charts[3].words
    assert "nothing to show" in charts[4].words


def test_failures_alone_have_charts_too_and_equal_facts_are_equal_bytes(tmp_path: Path) -> None:
    facts = facts_of(evaluation({}, study("s1", failure="There is no file.")))
    first, second = (write_evaluation_report(tmp_path / name, facts) for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert "n = 1, 1 penalised" in _charts(_page(tmp_path / "a"))[0].words


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Cannot write"):
        write_evaluation_report(tmp_path / "file", facts_of(evaluation({"s1": 0})))


@pytest.mark.external
@pytest.mark.parametrize("width", [400, 1200])
def test_a_browser_shows_the_page_whole_at_every_width(written: Path, tmp_path: Path, width: int) -> None:
    page = seen(written / "report.html", width, tmp_path)
    assert page.images == page.loaded == 7
    assert page.width <= width
    assert page.beyond == []
    assert page.console == []
