"""A model trained for two minutes on real scans of the hippocampus, and its report in a real browser."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import tiny

from tests.browser import seen

pytestmark = [pytest.mark.realdata, pytest.mark.slow]


@pytest.fixture(scope="module")
def evaluated(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the evaluation of a run on its own hold-out."""
    data, output = real_data / "Task04_Hippocampus", tmp_path_factory.mktemp("real")
    trained = tiny.call(
        "train",
        *("--bundle", "hippocampus_unet3d", "--data", data, "--output", output / "runs", "--name", "short"),
        *("--budget", "2m", "--no-tracking"),
    )
    assert trained.code == 0, trained.err
    run = output / "runs" / "hippocampus_unet3d" / "short"
    answer = tiny.call("evaluate", "--bundle", run, "--data", data, "--output", output / "evaluation")
    assert answer.code == 0, answer.err
    assert "studies were trained on or chosen by; they are left out." in answer.out
    return output / "evaluation"


def test_the_hold_out_alone_is_scored_as_the_training_scored_it_and_every_mean_has_an_interval(evaluated: Path) -> None:
    labels = json.loads((evaluated / "summary.json").read_text())["labels"]
    with (evaluated.parent / "runs" / "hippocampus_unet3d" / "short" / "holdout.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))  # what the training measured itself
    for name in ("anterior", "posterior"):
        dice = labels[name]["dice"]
        assert dice["n"] == 43  # of 31 persons, a fifth of 152
        assert dice["ci95"][0] < dice["mean"] < dice["ci95"][1]
        assert dice["mean"] == pytest.approx(np.nanmean([float(row[name] or "nan") for row in rows]), abs=1e-5)


@pytest.mark.external
@pytest.mark.parametrize("width", [400, 1200])
def test_a_browser_shows_the_report_whole(evaluated: Path, tmp_path: Path, width: int) -> None:
    page = seen(evaluated / "report.html", width, tmp_path)
    assert page.width <= width
    assert page.beyond == []
    assert page.images == page.loaded > 0
    assert page.console == []
    pictures = (evaluated / "report.html").read_text(encoding="utf-8").count("<svg")
    assert pictures >= 5 * 3 * 4  # five studies, three planes, four columns
