"""What the hold-out's scores leave in the run's folder; the segmenting itself is the engine's."""

import csv
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from medseg.core.labels import Label, LabelSet
from medseg.metrics.summary import summarise
from medseg.runs.folder import RunFolder
from medseg.steps import holdout
from medseg.steps.holdout import MOST_PICTURES, Holdout, interval_line, score_holdout

LABELS = LabelSet((Label("part", 1),))
STUDIES = MOST_PICTURES + 4


def study(number: int) -> Any:
    """Its prediction agrees with the reference the more, the larger its number."""
    return SimpleNamespace(id=f"s{number:02}", number=number, patient=f"p{number // 2}")  # two of each patient


def reference(number: int) -> np.ndarray:
    found = np.zeros((STUDIES + 1, 2, 2), np.uint8)
    if number:  # study 0 has nothing to find, and nothing is found
        found[:] = 1
    return found


def predicted(number: int) -> np.ndarray:
    found = np.zeros((STUDIES + 1, 2, 2), np.uint8)
    found[: number + 1 if number else 0] = 1
    return found


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Holdout, list[tuple[str, str]]]:
    """The scores of studies in no order, and name and title of each picture."""
    drawn: list[tuple[str, str]] = []

    def draw(channel: Any, prediction: Any, expected: Any, affine: Any, names: Any, path: Path, title: str) -> None:
        assert np.array_equal(prediction, predicted(int(path.stem[1:])))
        drawn.append((path.name, title))

    def volume(one: Any) -> Any:
        return SimpleNamespace(array=np.zeros((1, STUDIES + 1, 2, 2)), affine_ras=np.eye(4), number=one.number)

    monkeypatch.setattr(holdout, "read_study", volume)
    monkeypatch.setattr(holdout, "read_study_label", lambda one: (reference(one.number), np.eye(4)))
    monkeypatch.setattr(holdout, "draw_overlay", draw)
    predictor: Any = SimpleNamespace(predict=lambda volume: predicted(volume.number))
    order = np.random.default_rng(0).permutation(STUDIES)
    studies = [study(int(n)) for n in order]
    found = score_holdout(
        studies,
        predictor,
        labels=LABELS,
        class_of_value={0: 0, 1: 1},
        run=RunFolder(tmp_path),
        seed=0,
        advance=lambda: None,
    )
    return found, drawn


def test_every_study_is_scored_and_written(scored: tuple[Holdout, list[tuple[str, str]]], tmp_path: Path) -> None:
    assert len(scored[0].scores) == STUDIES
    assert scored[0].scores["s03"]["part"] == pytest.approx(2 * 4 / (STUDIES + 1 + 4))
    assert (scored[0].summaries["part"].n, scored[0].summaries["part"].not_scored) == (STUDIES - 1, 1)
    with (tmp_path / "holdout.csv").open(encoding="utf-8") as lines:
        assert [row["study"] for row in csv.DictReader(lines)] == list(scored[0].scores)


def test_those_that_fared_worst_are_drawn_the_worst_first(scored: tuple[Holdout, list[tuple[str, str]]]) -> None:
    assert [name for name, _ in scored[1]] == [f"s{n:02}.png" for n in range(1, MOST_PICTURES + 1)]
    assert scored[1][0][1] == f"s01   Dice part {scored[0].scores['s01']['part']:.2f}"


def test_two_studies_of_a_patient_are_one_draw_of_the_interval(
    scored: tuple[Holdout, list[tuple[str, str]]],
) -> None:
    (summary,) = scored[0].summaries.values()
    assert (summary.n, summary.patients) == (STUDIES - 1, STUDIES // 2)  # study 0 is not scored, its patient's other is
    assert interval_line("part", summary).endswith(f"(n = {STUDIES - 1} of {STUDIES // 2} patients, 1 not scored)")


def test_patients_are_counted_only_where_they_are_fewer_than_studies() -> None:
    assert interval_line("part", summarise([0.5, 0.6, 0.7, 0.8], seed=0)).endswith("(n = 4)")
