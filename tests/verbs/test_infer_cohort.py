"""`medseg infer` on many studies: killed, gone on with, shared between machines."""

import json
import shutil
import time
from pathlib import Path

import nibabel
import numpy as np
import pytest
import tiny

MANY = 40


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, tiny_cohort: Path) -> Path:
    """More scans than are segmented before a test can kill it; do not write into it."""
    folder = tmp_path_factory.mktemp("many")
    for n in range(MANY):
        shutil.copyfile(tiny_cohort / "imagesTr" / f"phantom_{n % 2:03d}.nii.gz", folder / f"scan_{n:02d}.nii.gz")
    return folder


def _words(model: Path, data: Path, output: Path, *more: object) -> tuple[object, ...]:
    return ("--bundle", model, "--input", data, "--output", output, "--device", "cpu", *more)


def _maps(output: Path) -> dict[str, int]:
    """Label map to when it was written."""
    return {path.name: path.stat().st_mtime_ns for path in output.glob("*.nii.gz")}


def _record(output: Path, name: str = "run.json") -> dict:
    found: dict = json.loads((output / name).read_text())
    return found


def test_a_killed_cohort_is_gone_on_with_and_no_study_is_done_twice(model: Path, many: Path, tmp_path: Path) -> None:
    process = tiny.start("infer", *_words(model, many, tmp_path))
    while len(_maps(tmp_path)) < 3:
        assert process.poll() is None, tiny.finish(process).err
        time.sleep(0.01)
    process.kill()
    tiny.finish(process)
    before = _maps(tmp_path)
    assert 3 <= len(before) < MANY
    for name in before:
        assert np.asarray(nibabel.load(tmp_path / name).dataobj).max() <= 2  # whole: it can be read to its end
    assert _record(tmp_path)["outcome"] == "running"
    answer = tiny.call("infer", *_words(model, many, tmp_path, "--continue"))
    assert answer.code == 0, answer.err
    after = _maps(tmp_path)
    assert len(after) == MANY
    assert {name: after[name] for name in before} == before
    assert f"{len(before)} done before" in answer.out
    record = _record(tmp_path)
    assert record["outcome"] == "finished"
    assert {one["study"] for one in record["studies"]} == {f"scan_{n:02d}" for n in range(MANY)}
    assert not list(tmp_path.glob(".tmp-*"))


@pytest.fixture
def four(tiny_cohort: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "four"
    folder.mkdir()
    for n in range(4):
        shutil.copyfile(tiny_cohort / "imagesTr" / f"phantom_{n:03d}.nii.gz", folder / f"phantom_{n:03d}.nii.gz")
    return folder


def test_only_what_is_missing_or_changed_is_done(model: Path, four: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert tiny.call("infer", *_words(model, four, out)).code == 0
    before = _maps(out)
    (out / "phantom_001.nii.gz").unlink()
    shutil.copyfile(four / "phantom_000.nii.gz", four / "phantom_003.nii.gz")
    answer = tiny.call("infer", *_words(model, four, out, "--continue"))
    assert "2 done before" in answer.out
    after = _maps(out)
    assert {name for name in after if after[name] != before[name]} == {"phantom_001.nii.gz", "phantom_003.nii.gz"}


def test_in_another_way_everything_is_done_again(model: Path, four: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert tiny.call("infer", *_words(model, four, out)).code == 0
    before = _maps(out)
    answer = tiny.call("infer", *_words(model, four, out, "--continue", "--exact"))
    assert "0 done before" in answer.out
    assert all(when != before[name] for name, when in _maps(out).items())


def test_what_failed_is_tried_again(model: Path, four: Path, tmp_path: Path) -> None:
    out, bad = tmp_path / "out", four / "phantom_002.nii.gz"
    whole = bad.read_bytes()
    bad.write_bytes(whole[:400])
    assert tiny.call("infer", *_words(model, four, out)).code == 3
    bad.write_bytes(whole)
    answer = tiny.call("infer", *_words(model, four, out, "--continue"))
    assert answer.code == 0, answer.err
    assert "3 done before" in answer.out
    assert [one["reason"] for one in _record(out)["studies"]] == [None] * 4


def test_without_continue_all_is_done_again(model: Path, four: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for _ in range(2):
        assert tiny.call("infer", *_words(model, four, out)).code == 0
    assert sum(line != "" for line in (out / "studies.jsonl").read_text().splitlines()) == 4


def test_machines_share_a_cohort_in_one_folder(model: Path, four: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for part in (1, 2, 3):
        assert tiny.call("infer", *_words(model, four, out, "--part", f"{part}/3")).code == 0
    assert len(_maps(out)) == 4
    found = [[one["study"] for one in _record(out, f"run-{part}-of-3.json")["studies"]] for part in (1, 2, 3)]
    assert found == [["phantom_000", "phantom_003"], ["phantom_001"], ["phantom_002"]]
    assert not (out / "run.json").exists()


def test_a_part_that_is_none_is_refused(model: Path, four: Path, tmp_path: Path) -> None:
    answer = tiny.call("infer", *_words(model, four, tmp_path / "out", "--part", "4/3"))
    assert answer.code == 2
    assert "give K/N with K from 1 to N" in answer.err


# What is told beside the label map


@pytest.mark.parametrize("words", [(), ("--tta",), ("--exact",)])
def test_uncertainty_and_probabilities_fit_the_label_map(
    words: tuple[str, ...], model: Path, four: Path, tmp_path: Path
) -> None:
    scan = four / "phantom_000.nii.gz"
    more = ("--uncertainty", "--save-probabilities", *words)
    answer = tiny.call("infer", *_words(model, scan, tmp_path / "out", *more))
    assert answer.code == 0, answer.err
    labels = np.asarray(nibabel.load(tmp_path / "out" / "phantom_000.nii.gz").dataobj)
    beside = {
        name: nibabel.load(tmp_path / "out" / "phantom_000" / f"{name}.nii.gz")
        for name in ("uncertainty", "probabilities")
    }
    probabilities, entropy = (np.asarray(beside[name].dataobj) for name in ("probabilities", "uncertainty"))
    assert probabilities.shape == (*labels.shape, 3)
    assert np.allclose(probabilities.sum(-1), 1.0, atol=1e-5)
    assert np.array_equal(probabilities.argmax(-1), labels)
    expected = -(probabilities * np.log(np.maximum(probabilities, 1e-30))).sum(-1) / np.log(3)
    assert np.allclose(entropy, expected, atol=1e-4)
    for image in beside.values():
        assert np.array_equal(image.affine, nibabel.load(scan).affine)
    (study,) = _record(tmp_path / "out")["studies"]
    for value in ("1", "2"):
        assert study["uncertainty"][value] == pytest.approx(float(entropy[labels == int(value)].mean()), abs=1e-4)
    assert {"phantom_000/uncertainty.nii.gz", "phantom_000/probabilities.nii.gz"} <= tiny.files_below(tmp_path / "out")


def test_without_being_asked_nothing_is_written_beside_it(model: Path, four: Path, tmp_path: Path) -> None:
    scan = four / "phantom_000.nii.gz"
    for more in (("--uncertainty",), ()):
        assert tiny.call("infer", *_words(model, scan, tmp_path / "out", *more)).code == 0
    assert tiny.files_below(tmp_path / "out") == {"phantom_000.nii.gz", "run.json", "studies.jsonl"}
    (study,) = _record(tmp_path / "out")["studies"]
    assert study["uncertainty"] == {}


def test_what_does_not_fit_is_refused_study_by_study(model: Path, four: Path, tmp_path: Path) -> None:
    answer = tiny.call("infer", *_words(model, four, tmp_path / "out", "--max-memory", "100MB"))
    assert answer.code == 3
    reasons = [one["reason"] for one in _record(tmp_path / "out")["studies"]]
    assert all("are allowed. Give --max-memory more" in reason for reason in reasons)
    assert not list((tmp_path / "out").glob("*.nii.gz"))


def test_memory_is_told_before_the_work_and_a_bad_size_refused(model: Path, four: Path, tmp_path: Path) -> None:
    answer = tiny.call("infer", *_words(model, four, tmp_path / "out", "--max-memory", "8GB"))
    assert answer.code == 0
    assert " voxels, sums in main memory\n" in answer.out  # so small that one after the other is faster
    answer = tiny.call("infer", *_words(model, four, tmp_path / "out", "--max-memory", "much"))
    assert answer.code == 2
    assert "'much' is no size; write 8GB or 900MB" in answer.err
