import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medseg.core.errors import OutputError
from medseg.steps.jobs import Job, Outcome
from medseg.steps.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "studies.jsonl", "this way")


@pytest.fixture
def job(tmp_path: Path) -> Job:
    scan = tmp_path / "a.nii.gz"
    scan.write_bytes(b"voxels")
    nothing: Any = None
    return Job("a", (scan,), {0: 0, 1: 1}, nothing, nothing)


OUTCOME = Outcome(
    "a",
    "out/a.nii.gz",
    None,
    1.5,
    {1: 20, 4: 3},
    ("out/a.nii.gz", "out/a/report.html"),
    "accepted_with_warnings",
    {"t1": {"shape": [3, 4, 5]}},
    ({"code": "lossy", "sentence": "lossy"},),
    {1: "NCR", 4: "ET"},
    {1: 0.25, 4: None},
)
NAMES = {"a": ["a.map"]}


def finished(journal: Journal, job: Job, outcome: Outcome = OUTCOME) -> None:
    """As the writer does it: noted under another name, then moved."""
    journal.begin(job)
    made, place = job.sources[0].parent / ".tmp-a.map", job.sources[0].parent / "a.map"
    made.write_text("labels")
    journal.note(job, outcome, {"a.map": made})
    made.replace(place)


def test_a_study_that_is_done_comes_back_as_it_was(journal: Journal, job: Job) -> None:
    assert journal.done([job], NAMES) == {}
    finished(journal, job)
    assert journal.done([job], NAMES) == {"a": OUTCOME}


def test_without_its_results_it_is_not_done(journal: Journal, job: Job) -> None:
    finished(journal, job)
    (journal.path.parent / "a.map").unlink()
    assert journal.done([job], NAMES) == {}


def test_made_in_another_way_it_is_not_done(journal: Journal, job: Job) -> None:
    finished(journal, job)
    assert replace(journal, way="another").done([job], NAMES) == {}


def test_a_scan_that_changed_is_segmented_again(journal: Journal, job: Job) -> None:
    finished(journal, job)
    (scan,) = job.sources
    os.utime(scan, ns=(1, 1))
    assert journal.done([job], NAMES) == {}


def test_half_a_line_is_passed_over(journal: Journal, job: Job) -> None:
    finished(journal, job)
    whole = journal.path.read_text()
    journal.path.write_text(whole + whole[:40])
    assert journal.done([job], NAMES) == {"a": OUTCOME}
    journal.path.write_text('[1]\n{"way": "this way"}\n' + whole)
    assert journal.done([job], NAMES) == {"a": OUTCOME}


def test_the_last_line_of_a_study_counts(journal: Journal, job: Job) -> None:
    finished(journal, job, replace(OUTCOME, seconds=9.0))
    finished(journal, job)
    assert journal.done([job], NAMES)["a"].seconds == 1.5


def test_it_can_be_forgotten(journal: Journal, job: Job) -> None:
    journal.begin_anew()
    finished(journal, job)
    journal.begin_anew()
    assert journal.done([job], NAMES) == {}


def test_a_disk_that_refuses_is_told(job: Job, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"Cannot write .*No such file"):
        finished(Journal(tmp_path / "none" / "studies.jsonl", "w"), job)


def test_each_line_is_json(journal: Journal, job: Job) -> None:
    finished(journal, job)
    finished(journal, job)
    lines = [line for line in journal.path.read_text().splitlines() if line]
    assert [json.loads(line)["outcome"]["study"] for line in lines] == ["a", "a"]


def test_what_another_inference_put_in_its_place_is_not_what_the_line_says(journal: Journal, job: Job) -> None:
    finished(journal, job)
    finished(replace(journal, way="another"), job)
    assert journal.done([job], NAMES) == {}
    finished(journal, job)
    assert journal.done([job], NAMES) == {"a": OUTCOME}
    (journal.path.parent / "a.map").write_text("others")  # by a part, which has a journal of its own
    assert journal.done([job], NAMES) == {}


@pytest.mark.parametrize("change", [{"key": ["swapped"]}, {"value_of": {0: 0, 1: 4}}])
def test_read_in_another_way_it_is_segmented_again(journal: Journal, job: Job, change: dict[str, Any]) -> None:
    finished(journal, job)
    assert journal.done([replace(job, **change)], NAMES) == {}


def test_files_in_another_order_are_another_study(journal: Journal, job: Job, tmp_path: Path) -> None:
    other = tmp_path / "b.nii.gz"
    other.write_bytes(b"voxels")
    two = replace(job, sources=(*job.sources, other))
    finished(journal, two)
    assert journal.done([two], NAMES) == {"a": OUTCOME}
    assert journal.done([replace(two, sources=two.sources[::-1])], NAMES) == {}


def test_a_scan_that_changes_while_it_is_segmented_is_segmented_again(journal: Journal, job: Job) -> None:
    journal.begin(job)
    (scan,) = job.sources
    os.utime(scan, ns=(1, 1))
    (journal.path.parent / "a.map").write_text("labels")
    journal.note(job, OUTCOME, {"a.map": journal.path.parent / "a.map"})
    assert journal.done([job], NAMES) == {}


def test_a_line_behind_half_a_line_is_whole(journal: Journal, job: Job) -> None:
    journal.path.write_text('{"way": "this w')
    finished(journal, job)
    assert journal.done([job], NAMES) == {"a": OUTCOME}
