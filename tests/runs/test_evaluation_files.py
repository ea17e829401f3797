import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from medseg.core.errors import FileError
from medseg.metrics.gates import Gate, check_gates
from medseg.metrics.metric import METRICS
from medseg.runs.evaluation_facts import EvaluationFacts
from medseg.runs.evaluation_files import read_evaluation, summary_of, write_summary, write_tables
from tests.evaluations import evaluation, study

EVALUATION = evaluation({"a": 0, "b": 1, "c": 2}, study("d", failure="no file"))
FACTS = EvaluationFacts("demo", EVALUATION, left_out=("'x' has no reference.",), provenance={"prediction": "/p"})


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    write_tables(tmp_path, EVALUATION)
    write_summary(tmp_path, FACTS)
    saved = read_evaluation(tmp_path)
    assert (saved.title, saved.policy) == ("demo", EVALUATION.policy.values())
    for name in EVALUATION.names:
        for metric in METRICS:
            ours = EVALUATION.values(name, metric)
            theirs = saved.scores[name, metric]
            assert theirs == pytest.approx(ours, rel=1e-5, nan_ok=True)


def test_the_summary_holds_mean_interval_n_and_failures() -> None:
    found = summary_of(FACTS)
    dice = found["labels"]["core"]["dice"]
    # Moved by 0, 1 and 2 of 4 voxels, and one failure.
    assert dice["mean"] == pytest.approx((1.0 + 0.75 + 0.5 + 0.0) / 4)
    assert (dice["n"], dice["failed"], dice["not_scored"]) == (4, 1, 0)
    assert dice["ci95"][0] < dice["mean"] < dice["ci95"][1]
    assert dice["interval"] in ("bca", "percentile")
    assert found["policy_digest"] == EVALUATION.policy.digest
    assert found["studies"] == {"scored": 3, "failed": {"d": "no file"}, "left_out": ["'x' has no reference."]}


def test_distances_come_with_and_without_penalty() -> None:
    hd95 = summary_of(FACTS)["labels"]["core"]["hd95_mm"]
    diagonal = math.hypot(24, 16, 20)
    assert hd95["mean"] == pytest.approx((0 + 1 + 2 + diagonal) / 4)
    assert hd95["both_exist"]["mean"] == pytest.approx(1.0)
    assert hd95["both_exist"]["n"] == 3


def test_no_number_of_the_summary_is_outside_json(tmp_path: Path) -> None:
    write_summary(tmp_path, replace(FACTS, evaluation=evaluation({"a": 0})))  # one study: no interval

    def refuse(word: str) -> None:
        raise AssertionError(word)

    found = json.loads((tmp_path / "summary.json").read_text(), parse_constant=refuse)
    assert found["labels"]["core"]["dice"]["ci95"] == [None, None]


def test_a_gate_is_written_with_its_value() -> None:
    gates = check_gates([Gate("dice", "core", "min", 0.9)], EVALUATION)
    (gate,) = summary_of(replace(FACTS, gates=gates))["gates"]
    assert gate == {
        "metric": "dice", "name": "core", "side": "min", "limit": 0.9, "value": pytest.approx(0.5625), "met": False,
    }  # fmt: skip


def test_each_study_and_label_has_a_row(tmp_path: Path) -> None:
    write_tables(tmp_path, EVALUATION)
    with (tmp_path / "per_study.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["study"], row["label"]) for row in rows] == [(s, n) for s in "abcd" for n in ("whole", "core")]
    assert rows[-1]["state"] == "missing"
    assert rows[-1]["failure"] == "no file"
    assert rows[-1]["prediction_ml"] == ""
    assert rows[0]["reference_ml"] == "0.512"  # 8 x 8 x 4 voxels of 2 mm³
    with (tmp_path / "per_lesion.csv").open(newline="") as stream:
        lesions = list(csv.DictReader(stream))
    assert [row["state"] for row in lesions if row["study"] == "d"] == ["missed", "missed"]


@pytest.mark.parametrize("spoil", ["absent", "no table", "half a summary", "a number that is none"])
def test_a_folder_that_is_no_evaluation_is_refused(spoil: str, tmp_path: Path) -> None:
    if spoil != "absent":
        write_tables(tmp_path, EVALUATION)
        write_summary(tmp_path, FACTS)
    if spoil == "no table":
        (tmp_path / "per_study.csv").unlink()
    if spoil == "half a summary":
        path = tmp_path / "summary.json"
        path.write_text(path.read_text()[:-40])
    if spoil == "a number that is none":
        path = tmp_path / "per_study.csv"
        path.write_text(path.read_text().replace("0.512", "half"))
    with pytest.raises(FileError, match="no finished evaluation"):
        read_evaluation(tmp_path)
