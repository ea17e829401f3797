import importlib.util
from pathlib import Path

import pytest

from medseg.core.study import ChannelFile, Dataset, Study
from medseg.datasets.datalist import read_datalist
from medseg.datasets.phantom import write_phantom_cohort
from medseg.runs.record import read_record
from medseg.steps.request import TrainRequest

PATH = Path(__file__).resolve().parents[2] / "pipelines" / "train_and_evaluate.py"
_spec = importlib.util.spec_from_file_location("train_and_evaluate", PATH)
assert _spec is not None
assert _spec.loader is not None
pipeline = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(pipeline)


def test_the_hold_out_and_nothing_else_is_segmented(
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

    predicted = {path.name.removesuffix(".nii.gz") for path in (run / "predictions").glob("*.nii.gz")}
    assert predicted == set(read_record(run / "run.json")["split"]["holdout"])
    assert (run / "holdout.csv").is_file()


def test_without_data_there_is_nothing_to_evaluate() -> None:
    with pytest.raises(ValueError, match="name your data"):
        pipeline.train_and_evaluate(TrainRequest(bundle="hippocampus_unet2d"))


def test_a_listed_study_keeps_its_channels_and_names_but_not_its_label(tmp_path: Path) -> None:
    file = tmp_path / "four.nii.gz"
    file.touch()
    channels = {"FLAIR": ChannelFile(file, 0), "T1": ChannelFile(file, 1)}
    study = Study("P1", "P1", channels, label=tmp_path / "label.nii.gz")
    dataset = Dataset("any", tmp_path, (study,), ("FLAIR", "T1"), {3: "ET"})

    listed = tmp_path / "holdout.json"
    pipeline.write_json(listed, pipeline.without_labels(dataset, ["P1"]))
    read = read_datalist(listed)

    assert read.studies == (Study("P1", "P1", channels),)
    assert read.label_names == {3: "ET"}
