import os
import subprocess
import sys
from pathlib import Path

import nibabel
import pytest

PIPELINES = Path(__file__).resolve().parents[2] / "pipelines"


@pytest.mark.slow
def test_every_verb_runs_once_on_phantoms_and_each_gets_a_label_map_on_its_grid(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(PIPELINES.parent), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment.pop("MEDSEG_BUNDLES", None)
    command = [sys.executable, str(PIPELINES / "phantom_smoke.py"), "--output", str(tmp_path / "smoke")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=550)

    assert done.returncode == 0, done.stderr[-2000:]
    predictions = Path(done.stdout.splitlines()[-1])
    scans = sorted((tmp_path / "smoke" / "phantoms" / "hippocampus-0" / "imagesTr").iterdir())
    assert len(scans) == len(list(predictions.glob("*.nii.gz"))) == 20
    assert (tmp_path / "smoke" / "evaluation" / "report.html").is_file()
    assert "16 of 20 studies were trained on or chosen by" in done.stdout
    assert nibabel.load(predictions / scans[0].name).shape == nibabel.load(scans[0]).shape


def test_a_pipeline_opens_with_five_lines_and_stays_under_eighty() -> None:
    for path in PIPELINES.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        lines = text.split('"""')[1].strip().splitlines()[2:]
        assert [line.split(":")[0] for line in lines] == ["Does", "Needs", "Makes", "Takes", "Run"], path.name
        assert len(text.splitlines()) < 80, path.name
        assert "numpy" not in text, path.name
