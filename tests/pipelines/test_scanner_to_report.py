import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom import dcmread

from medseg.core.errors import DatalistError
from medseg.datasets.phantom_dicom import write_phantom_study
from medseg.io.dicom_study import study_name

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "verbs"))  # the tests of the verbs have tiny models

import tiny

ROOT = Path(__file__).resolve().parents[2]
PATH = ROOT / "pipelines" / "scanner_to_report.py"
_spec = importlib.util.spec_from_file_location("scanner_to_report", PATH)
assert _spec is not None
assert _spec.loader is not None
pipeline = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(pipeline)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """hippocampus_unet3d made tiny, with random weights."""
    bundle = tmp_path_factory.mktemp("model") / "hippocampus_unet3d"
    return tiny.add_random_weights(tiny.write_tiny_bundle(bundle))


def test_a_study_becomes_label_map_segmentation_measurements_and_report(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = write_phantom_study(tmp_path / "study", kind="hippocampus")
    (outcome,) = pipeline.scanner_to_report(str(model), study, tmp_path / "out")

    uid = dcmread(study / "t1" / "IM0001.dcm", stop_before_pixels=True).StudyInstanceUID
    results = tmp_path / "out" / study_name(uid)
    files = [results.with_name(f"{results.name}.nii.gz"), *(results / name for name in ("seg.dcm", "sr.dcm"))]
    files.append(results / "report.html")
    assert outcome.reason is None
    assert outcome.outputs == tuple(map(str, files))
    assert [dcmread(path).Modality for path in files[1:3]] == ["SEG", "SR"]
    assert all(path.is_file() for path in files)
    printed = capsys.readouterr().out
    assert "T1 MPRAGE" in printed
    assert [path for path in files if str(path) not in printed] == []


def test_where_nothing_may_be_used_every_reason_is_told_and_nothing_is_made(model: Path, tmp_path: Path) -> None:
    study = write_phantom_study(tmp_path / "study", kind="hippocampus")
    (study / "t1" / "IM0020.dcm").unlink()
    words = ["--bundle", str(model), "--input", str(study), "--output", str(tmp_path / "out")]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run([sys.executable, str(PATH), *words], env=environment, capture_output=True, text=True)

    assert done.returncode == 1
    assert "refused [slice_missing]" in done.stdout
    assert "no series that may be used" in done.stderr
    assert "gap of 2 mm between slices 19 and 20" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_one_bad_study_does_not_stop_the_good_one(model: Path, tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    write_phantom_study(scans / "good", kind="hippocampus")
    bad = write_phantom_study(scans / "bad", kind="hippocampus", seed=1)
    (bad / "t1" / "IM0020.dcm").unlink()
    outcomes = pipeline.scanner_to_report(str(model), scans, tmp_path / "out")

    assert sorted(outcome.code for outcome in outcomes) == ["accepted", "slice_missing"]
    assert json.loads((tmp_path / "out" / "run.json").read_text())["outcome"] == "finished"


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no scan")
    with pytest.raises(DatalistError, match="no image at all"):
        pipeline.scanner_to_report("any", tmp_path, tmp_path / "out")
