import json
from pathlib import Path
from typing import Any

import pytest

from medseg.bundle.results import eval_metrics_of, results_in_words, write_results
from medseg.core.errors import BundleError, FileError

ROW = {"mean": 0.9, "ci95": [0.8, 0.95], "n": 11, "failed": 1, "median": 0.91}
SUMMARY: dict[str, Any] = {
    "policy": {"name": "default", "both_empty": "not_scored"},
    "policy_digest": "abc",
    "labels": {"WT": {"dice": ROW, "nsd": ROW, "hd95_mm": {**ROW, "both_exist": ROW}, "iou": ROW}},
}
SHORT = {"mean": 0.9, "ci95": [0.8, 0.95], "n": 11, "failed": 1}


def test_the_card_gets_mean_interval_n_and_failures() -> None:
    wanted = {"WT": {"dice": SHORT, "nsd": SHORT, "hd95_mm": SHORT}, "policy": "default", "policy_digest": "abc"}
    assert eval_metrics_of(SUMMARY) == wanted


@pytest.mark.parametrize("summary", [{}, {"labels": {"WT": {}}}, {"labels": []}, {"labels": {"WT": {"dice": None}}}])
def test_what_is_no_summary_is_refused(summary: dict[str, Any]) -> None:
    with pytest.raises(FileError, match="no summary"):
        eval_metrics_of(summary)


def test_everything_else_of_metadata_stays(tmp_path: Path) -> None:
    path = tmp_path / "configs" / "metadata.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"name": "x", "eval_metrics": {}, "version": "1.0.0"}))
    write_results(tmp_path, SUMMARY)
    found = json.loads(path.read_text())
    assert found == {"name": "x", "eval_metrics": eval_metrics_of(SUMMARY), "version": "1.0.0"}


def test_a_damaged_metadata_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "configs" / "metadata.json"
    path.parent.mkdir()
    path.write_text("{")
    with pytest.raises(BundleError, match=r"metadata\.json"):
        write_results(tmp_path, SUMMARY)
    assert path.read_text() == "{"


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        (eval_metrics_of(SUMMARY), "WT Dice 0.900 (0.800 to 0.950, n = 11), policy default"),
        ({"WT": {"dice": {"mean": 0.9, "ci95": [None, None], "n": 1}}}, "WT Dice 0.900 (n = 1)"),
        ({"ET": {"dice": {"mean": None, "ci95": [None, None], "n": 0, "failed": 0}}}, "ET not scored"),
        ({"mean_dice": 0.85}, "mean_dice 0.85"),
        ({}, ""),
        (None, ""),
    ],
)
def test_a_card_in_one_line(metrics: Any, words: str) -> None:
    assert results_in_words(metrics) == words
