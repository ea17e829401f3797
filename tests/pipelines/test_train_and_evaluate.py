import importlib.util
from pathlib import Path

import pytest

from medseg.datasets.phantom import write_phantom_cohort
from medseg.runs.record import read_record
from medseg.steps.request import TrainRequest

PATH = Path(__file__).resolve().parents[2] / "pipelines" / "train_and_evaluate.py"
_spec = importlib.util.spec_from_file_location("train_and_evaluate", PATH)
assert _spec is not None
assert _spec.loader is not None
pipeline = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(pipeline)


def test_the_hold_out_and_nothing_else_is_segmented_and_scored(
    tmp_path: Path, small_bundles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    data = write_phantom_cohort(tmp_path / "data", kind="hippocampus", studies=4, seed=0, scale=0.6)
    request = TrainRequest(
        bundle=str(small_bundles / "hippocampus_unet2d"),
        data=data,
        output=tmp_path / "runs",
        workers=0,
        tracking=False,
    )
    run = pipeline.train_and_evaluate(request)

    predicted = {path.name.removesuffix(".nii.gz") for path in (run / "evaluation" / "predictions").glob("*.nii.gz")}
    assert predicted == set(read_record(run / "run.json")["split"]["holdout"])
    assert (run / "holdout.csv").is_file()
    assert (run / "evaluation" / "report.html").is_file()


def test_without_data_there_is_nothing_to_evaluate() -> None:
    with pytest.raises(ValueError, match="name your data"):
        pipeline.train_and_evaluate(TrainRequest(bundle="hippocampus_unet2d"))
