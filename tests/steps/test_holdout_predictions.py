from pathlib import Path

from medseg.core.files import write_json
from medseg.core.study import ChannelFile, Dataset, Study
from medseg.datasets.datalist import read_datalist
from medseg.steps.holdout_predictions import datalist_of


def test_a_listed_study_keeps_its_channels_and_names_but_not_its_label(tmp_path: Path) -> None:
    file = tmp_path / "four.nii.gz"
    file.touch()
    channels = {"FLAIR": ChannelFile(file, 0), "T1": ChannelFile(file, 1)}
    one = Study("P1", "P1", channels, label=tmp_path / "label.nii.gz")
    other = Study("P2", "P2", channels, label=tmp_path / "label.nii.gz")

    listed = tmp_path / "holdout.json"
    write_json(listed, datalist_of(Dataset("any", tmp_path, (one, other), ("FLAIR", "T1"), {3: "ET"}), ["P1"]))
    read = read_datalist(listed)

    assert read.studies == (Study("P1", "P1", channels),)
    assert read.label_names == {3: "ET"}
