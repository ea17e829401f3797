from collections.abc import Callable
from pathlib import Path

import pytest

from medseg.core.errors import DatalistError
from medseg.datasets.decathlon import is_decathlon
from medseg.datasets.nnunet import is_nnunet, read_nnunet

Write = Callable[..., Path]
V2 = {"channel_names": {"0": "T1", "1": "T2"}, "labels": {"background": 0, "tumour": 1}, "file_ending": ".nii.gz"}


@pytest.fixture
def folder(tmp_path: Path, scan: Write, label: Write) -> Path:
    for n in (0, 1):
        scan(tmp_path / "imagesTr" / f"case_7_{n:04d}.nii.gz")
        scan(tmp_path / "imagesTs" / f"case_9_{n:04d}.nii.gz")
    label(tmp_path / "labelsTr" / "case_7.nii.gz", 1)
    return tmp_path


def test_numbered_files_become_named_channels(folder: Path, description: Write) -> None:
    description(folder / "dataset.json", **V2)
    assert is_nnunet(folder)
    dataset = read_nnunet(folder)
    assert [(s.id, s.label is None) for s in dataset.studies] == [("case_7", False), ("case_9", True)]
    assert {n: c.path.name for n, c in dataset.studies[0].channels.items()} == {
        "T1": "case_7_0000.nii.gz",
        "T2": "case_7_0001.nii.gz",
    }
    assert dataset.label_names == {1: "tumour"}


def test_version_1_that_lists_files_without_numbers_is_known(folder: Path, description: Write) -> None:
    listed = [{"image": "./imagesTr/case_7.nii.gz", "label": "./labelsTr/case_7.nii.gz"}]
    description(folder / "dataset.json", modality={"0": "T1", "1": "T2"}, labels={"0": "bg", "1": "t"}, training=listed)
    assert is_nnunet(folder)
    assert not is_decathlon(folder)
    assert read_nnunet(folder).label_names == {1: "t"}


def test_a_decathlon_folder_with_numbered_names_stays_one(tmp_path: Path, scan: Write, description: Write) -> None:
    scan(tmp_path / "imagesTr" / "case_0001.nii.gz")
    description(tmp_path / "dataset.json", training=[{"image": "imagesTr/case_0001.nii.gz"}])
    assert not is_nnunet(tmp_path)
    assert is_decathlon(tmp_path)


def test_missing_and_unnamed_channels_labels_and_regions_are_told_at_once(
    folder: Path, scan: Write, description: Write
) -> None:
    scan(folder / "imagesTr" / "case_8_0001.nii.gz")
    scan(folder / "imagesTr" / "case_7_0002.nii.gz")
    description(folder / "dataset.json", **(V2 | {"labels": {"background": 0, "whole": [1, 2]}}))
    with pytest.raises(DatalistError) as caught:
        read_nnunet(folder)
    message = str(caught.value)
    assert "4 faults" in message
    assert "study 'case_8': labelsTr/case_8.nii.gz is missing" in message
    assert "study 'case_8': channel T1 (_0000) is missing in imagesTr" in message
    assert "study 'case_7': channel _0002 has no name in dataset.json" in message
    assert "label 'whole' joins the values [1, 2]" in message


def test_another_file_format_is_refused(folder: Path, description: Write) -> None:
    description(folder / "dataset.json", **(V2 | {"file_ending": ".mha"}))
    with pytest.raises(DatalistError, match=r"file_ending is '\.mha'"):
        read_nnunet(folder)
