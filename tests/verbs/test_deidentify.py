"""`medseg deidentify` on folders: what it writes, refuses, says and never says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tiny
from pydicom import dcmread

from medseg.core.volume import Volume
from medseg.io.dicom import find_series
from medseg.io.dicom_write import write_series

SECRETS = ("zabinsky", "quirinus", "ZQ-77123", "19570304", "waldfrieden", "ACC99817")


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "site.key"
    path.write_text("0123456789abcdef0123456789abcdef\n")
    return path


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Two series of one invented patient, in a folder with another name."""
    for number in (1, 2):
        voxels = np.random.default_rng(number).integers(0, 900, (1, 9, 8, 10)).astype(np.float32)
        write_series(
            Volume(voxels, np.diag([1.0, 1.0, 3.0, 1.0])),
            tmp_path / "scans" / f"series {number}",
            number=number,
            description="T1 of Zabinsky" if number == 1 else "T2",
            study_uid="1.2.276.0.99.1",
            attributes={
                "PatientName": "Zabinsky^Quirinus",
                "PatientID": "ZQ-77123",
                "PatientBirthDate": "19570304",
                "AccessionNumber": "ACC99817",
                "InstitutionName": "Waldfrieden",
                "BodyPartExamined": "BRAIN",
            },
        )
    return tmp_path / "scans"


def _run(scans: Path, output: Path, *words: object) -> tiny.Answer:
    return tiny.call("deidentify", "--input", scans, "--output", output, *words)


def _content(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in tiny.files_below(folder)}


def test_series_are_written_below_a_pseudonym_and_nothing_names_the_patient(
    scans: Path, key: Path, tmp_path: Path
) -> None:
    answer = _run(scans, tmp_path / "out", "--key", key)
    assert answer.code == 0, answer.err
    assert answer.last_line == str(tmp_path / "out")
    assert "20 files written of 1 patient, 0 left out, 0 failed, 0 no DICOM" in answer.err
    files = _content(tmp_path / "out")
    assert len(files) == 21
    places = {name.rsplit("/", 1)[0] for name in files if name.endswith(".dcm")}
    assert len(places) == 2
    assert len({place.split("/")[0] for place in places}) == 1
    everything = b"\n".join([*(name.encode() for name in files), *files.values(), answer.err.encode()]).lower()
    for secret in SECRETS:
        assert secret.lower().encode() not in everything
    assert [one.verdict.accepted for one in find_series(tmp_path / "out").series] == [True, True]


def test_the_same_key_repeats_every_byte_also_into_the_same_folder(scans: Path, key: Path, tmp_path: Path) -> None:
    for name in ("one", "two", "one"):
        assert _run(scans, tmp_path / name, "--key", key).code == 0
    assert _content(tmp_path / "one") == _content(tmp_path / "two")


def test_without_a_key_each_run_has_its_own_names_and_says_so(scans: Path, tmp_path: Path) -> None:
    answer = _run(scans, tmp_path / "one")
    assert "no --key: a random one was used" in answer.err
    assert _run(scans, tmp_path / "two").code == 0
    patients = [{p.name for p in (tmp_path / name).iterdir() if p.is_dir()} for name in ("one", "two")]
    assert patients[0].isdisjoint(patients[1])
    again = _run(scans, tmp_path / "one")
    assert again.code == 1
    assert "written with another key" in again.err


def test_descriptions_stay_on_demand_but_for_those_that_name_the_patient(
    scans: Path, key: Path, tmp_path: Path
) -> None:
    assert _run(scans, tmp_path / "out", "--key", key, "--keep-descriptions").code == 0
    found = {dcmread(path).SeriesDescription for path in (tmp_path / "out").rglob("*.dcm")}
    assert found == {"REMOVED", "T2"}


def test_a_damaged_file_is_named_and_stops_nothing(scans: Path, key: Path, tmp_path: Path) -> None:
    bad = scans / "series 1" / "IM0003.dcm"
    bad.write_bytes(bad.read_bytes()[:-50])
    (scans / "notes.txt").write_text("no DICOM")
    answer = _run(scans, tmp_path / "out", "--key", key, "--json")
    assert answer.code == 3
    assert f"failed: {bad}: " in answer.err
    summary = json.loads(answer.out)
    assert {key: summary[key] for key in ("written", "left_out", "failed", "no_dicom", "patients", "series")} == {
        **{"written": 19, "left_out": 0, "failed": 1, "no_dicom": 1},
        **{"patients": 1, "series": 2},
    }
    assert [(one["file"], one["code"]) for one in summary["not_written"]] == [
        ("notes.txt", "no_dicom"),
        ("series 1/IM0003.dcm", "truncated"),
    ]


def test_burned_in_text_is_left_out_and_counted_and_written_on_demand(scans: Path, key: Path, tmp_path: Path) -> None:
    marked = scans / "series 2" / "IM0001.dcm"
    dataset = dcmread(marked)
    dataset.BurnedInAnnotation = "YES"
    dataset.save_as(marked)
    answer = _run(scans, tmp_path / "one", "--key", key)
    assert answer.code == 0
    assert "left out: 1 file: BurnedInAnnotation is YES; --allow-burned-in" in answer.err
    answer = _run(scans, tmp_path / "two", "--key", key, "--allow-burned-in")
    assert "warning: 1 file written as asked although BurnedInAnnotation is YES" in answer.err
    assert "20 files written" in answer.err


def test_heads_in_thin_slices_bring_a_warning(scans: Path, key: Path, tmp_path: Path) -> None:
    answer = _run(scans, tmp_path / "out", "--key", key)
    assert "2 series show heads in thin slices: a face can be rendered" in answer.err


def test_a_folder_without_a_scan_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("hello")
    answer = _run(tmp_path / "in", tmp_path / "out")
    assert answer.code == 1
    assert "none of 1 files could be written" in answer.err


def _full(scans: Path, tmp_path: Path) -> list[object]:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep me")
    return [scans, tmp_path / "full"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (_full, "is not empty"),
        (lambda scans, tmp_path: [scans, scans / "out"], "lie in one another"),
        (lambda scans, tmp_path: [scans / "series 1", scans], "lie in one another"),
        (lambda scans, tmp_path: [scans, scans], "lie in one another"),
        (lambda scans, tmp_path: [tmp_path / "absent", tmp_path / "out"], "no file or folder"),
        (lambda scans, tmp_path: [scans, tmp_path / "out", "--key", tmp_path / "no.key"], "To make one: python -c"),
        (lambda scans, tmp_path: [scans, tmp_path / "out", "--key", tmp_path / "out" / "k"], "lies in --output"),
    ],
)
def test_what_would_go_wrong_is_refused_before_anything_is_written(
    words: Callable[[Path, Path], list[object]], message: str, scans: Path, tmp_path: Path
) -> None:
    given = words(scans, tmp_path)
    before = tiny.files_below(tmp_path)
    answer = _run(*given)  # type: ignore[arg-type]
    assert answer.code == 1
    assert message in answer.err
    assert tiny.files_below(tmp_path) == before


def test_a_short_key_is_refused(scans: Path, tmp_path: Path) -> None:
    (tmp_path / "k").write_text("secret")
    answer = _run(scans, tmp_path / "out", "--key", tmp_path / "k")
    assert answer.code == 1
    assert "6 bytes; at least 16" in answer.err
