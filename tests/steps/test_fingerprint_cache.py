"""What was measured once is not measured again, and a changed file is."""

import json
from pathlib import Path

import numpy as np
import pytest
from plan_data import image_of, image_path, save, write_cohort

from medseg.steps import fingerprint_cache
from medseg.steps.fingerprint import Found, take_fingerprint


def fingerprint(data: Path, cache: Path) -> Found:
    return take_fingerprint(data, modality=None, folder=cache, warn=pytest.fail)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the studies that were measured, not remembered."""
    found: list[str] = []
    measure = fingerprint_cache._measure
    monkeypatch.setattr(fingerprint_cache, "_measure", lambda study: (found.append(study.id), measure(study))[1])
    return found


def test_the_second_time_nothing_is_measured_and_all_is_the_same(tmp_path: Path, measured: list[str]) -> None:
    data = write_cohort(tmp_path / "data")
    first = fingerprint(data, tmp_path / "cache")
    assert sorted(measured) == ["P0", "P1", "P2", "P3", "P4"]
    measured.clear()
    second = fingerprint(data, tmp_path / "cache")
    assert not measured
    assert second.measures == first.measures
    assert second.fingerprint == first.fingerprint


def test_a_changed_file_alone_is_measured_again(tmp_path: Path, measured: list[str]) -> None:
    data = write_cohort(tmp_path / "data")
    fingerprint(data, tmp_path / "cache")
    measured.clear()
    save(image_path(data, 2), image_of(77)[:, :, :] + 1)
    second = fingerprint(data, tmp_path / "cache")
    assert measured == ["P2"]
    assert second.measures["P2"].channels[0].high == pytest.approx(float(image_of(77).max()) + 1)


def test_a_damaged_cache_is_made_anew(tmp_path: Path, measured: list[str]) -> None:
    data = write_cohort(tmp_path / "data", 3)
    fingerprint(data, tmp_path / "cache")
    (place,) = (tmp_path / "cache" / "measures").iterdir()
    measured.clear()
    stored = json.loads(place.read_text())
    broken = {**stored, "studies": {key: {"shape": 3} for key in stored["studies"]}}
    for content in ("", "[]", '{"version": 0, "studies": {}}', '{"version": 1}', json.dumps(broken)):
        place.write_text(content)
        fingerprint(data, tmp_path / "cache")
        assert sorted(measured) == ["P0", "P1", "P2"], content
        measured.clear()
        fingerprint(data, tmp_path / "cache")
        assert not measured, content
    assert len(json.loads(place.read_text())["studies"]) == 3


def test_a_cache_that_cannot_be_written_only_costs_time(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    assert fingerprint(write_cohort(tmp_path / "data", 3), tmp_path / "cache").fingerprint.studies == 3


def test_parts_are_counted_by_faces_edges_and_corners() -> None:
    mask = np.zeros((6, 6, 6), bool)
    mask[0, 0, 0] = mask[1, 1, 1] = True  # one part: they touch by a corner
    mask[4:6, 4, 4] = mask[5, 5, 4] = True
    assert fingerprint_cache._count_parts(mask) == (2, 3)


def test_progress_counts_the_studies(tmp_path: Path) -> None:
    counted: list[tuple[int, int]] = []
    take_fingerprint(
        write_cohort(tmp_path, 3),
        modality=None,
        folder=None,
        warn=pytest.fail,
        seen=lambda done, of: counted.append((done, of)),
    )
    assert counted == [(1, 3), (2, 3), (3, 3)]
