import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from medseg.core.errors import DatalistError
from medseg.datasets.phantom import write_phantom_cohort

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "verbs"))  # the tests of the verbs have tiny models

import tiny

ROOT = Path(__file__).resolve().parents[2]
PATH = ROOT / "pipelines" / "holdout_report.py"
_spec = importlib.util.spec_from_file_location("holdout_report", PATH)
assert _spec is not None
assert _spec.loader is not None
pipeline = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(pipeline)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """hippocampus_unet3d made tiny, with random weights."""
    bundle = tmp_path_factory.mktemp("model") / "hippocampus_unet3d"
    return tiny.add_random_weights(tiny.write_tiny_bundle(bundle))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "hippocampus"
    return write_phantom_cohort(folder, kind="hippocampus", studies=3, seed=0, scale=0.6)


def test_a_hold_out_becomes_a_report_with_predictions_and_tables(model: Path, data: Path, tmp_path: Path) -> None:
    facts = pipeline.holdout_report(str(model), data, tmp_path / "out")
    found = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert found["labels"]["anterior"]["dice"]["n"] == len(facts.evaluation.studies) == 3
    assert len(list((tmp_path / "out" / "predictions").glob("*.nii.gz"))) == 3
    assert {"report.html", "per_study.csv", "per_lesion.csv"} <= {path.name for path in (tmp_path / "out").iterdir()}


@pytest.mark.slow
def test_a_model_with_random_weights_does_not_pass_a_gate(model: Path, data: Path, tmp_path: Path) -> None:
    words = ["--bundle", str(model), "--data", str(data), "--output", str(tmp_path / "out")]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [sys.executable, str(PATH), *words, "--min", "dice.anterior=0.9"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 4, done.stderr
    assert "at least 0.9 is demanded: not met" in done.stdout
    assert done.stdout.splitlines()[-1] == str(tmp_path / "out" / "report.html")


def test_data_that_was_all_trained_on_is_refused(model: Path, data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "bundle").symlink_to(model)
    ids = [path.name.removesuffix(".nii.gz") for path in (data / "labelsTr").iterdir()]
    (run / "run.json").write_text(json.dumps({"split": {"train": ids, "validation": [], "holdout": []}}))
    with pytest.raises(DatalistError, match="trained on or chosen by each of its 3 labelled studies"):
        pipeline.holdout_report(str(run), data, tmp_path / "out")
    assert not (tmp_path / "out").exists()
