from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from medseg.core.errors import DatalistError
from medseg.core.study import ChannelFile
from medseg.datasets.decathlon import is_decathlon, read_decathlon

Write = Callable[..., Path]
TWO = [{"image": f"./imagesTr/{n}.nii.gz", "label": f"./labelsTr/{n}.nii.gz"} for n in ("b", "a")]


@pytest.fixture
def folder(tmp_path: Path, scan: Write, label: Write) -> Path:
    for name in ("a", "b"):
        scan(tmp_path / "imagesTr" / f"{name}.nii.gz")
        label(tmp_path / "labelsTr" / f"{name}.nii.gz", 1)
    scan(tmp_path / "imagesTs" / "c.nii.gz")
    (tmp_path / "imagesTr" / "._a.nii.gz").write_bytes(b"junk")
    return tmp_path


@pytest.mark.parametrize("labels", [{"0": "background", "1": "liver"}, {"background": 0, "liver": 1}])
def test_listed_studies_names_and_tests_are_read(folder: Path, description: Write, labels: dict[str, object]) -> None:
    description(
        folder / "dataset.json", modality={"0": "CT"}, labels=labels, training=TWO, test=["./imagesTs/c.nii.gz"]
    )
    assert is_decathlon(folder)
    dataset = read_decathlon(folder)
    assert [(s.id, s.label is None) for s in dataset.studies] == [("a", False), ("b", False), ("c", True)]
    assert dataset.studies[0].channels == {"CT": ChannelFile(folder / "imagesTr" / "a.nii.gz")}
    assert dataset.label_names == {1: "liver"}
    assert (dataset.root, dataset.channel_names) == (folder, ("CT",))


def test_a_4d_image_gives_one_channel_per_modality(folder: Path, scan: Write, description: Write) -> None:
    scan(folder / "imagesTr" / "a.nii.gz", np.zeros((2, 5, 4, 3), np.int16))
    description(
        folder / "dataset.json", modality={"1": "T1", "0": "FLAIR"}, labels={"0": "background"}, training=TWO[1:]
    )
    (study,) = read_decathlon(folder).studies
    path = folder / "imagesTr" / "a.nii.gz"
    assert list(study.channels.items()) == [("FLAIR", ChannelFile(path, 0)), ("T1", ChannelFile(path, 1))]


def test_every_missing_file_is_listed(folder: Path, description: Write) -> None:
    listed = [{"image": "./imagesTr/x.nii.gz", "label": "./labelsTr/y.nii.gz"}, {"image": "./imagesTr/a.nii.gz"}]
    description(folder / "dataset.json", modality={"0": "CT"}, labels={"liver": [1, 2]}, training=listed)
    with pytest.raises(DatalistError) as caught:
        read_decathlon(folder)
    message = str(caught.value)
    assert "4 faults" in message
    assert f"training[0]: '{folder}/imagesTr/x.nii.gz' does not exist" in message
    assert f"training[0]: '{folder}/labelsTr/y.nii.gz' does not exist" in message
    assert "training[1]: no label" in message
    assert "label 'liver' joins the values [1, 2]" in message


def test_without_a_training_list_it_is_no_decathlon_folder(folder: Path, description: Write) -> None:
    assert not is_decathlon(folder)
    description(folder / "dataset.json", labels={})
    assert not is_decathlon(folder)
