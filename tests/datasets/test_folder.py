from collections.abc import Callable
from pathlib import Path

import pytest

from medseg.core.errors import DatalistError
from medseg.datasets.folder import is_files, is_pairs, read_files, read_pairs

Write = Callable[..., Path]


def test_images_and_labels_of_one_name_are_paired(tmp_path: Path, scan: Write, label: Write) -> None:
    scan(tmp_path / "images" / "b.nii.gz")
    scan(tmp_path / "images" / "a.nii")
    label(tmp_path / "labels" / "a.nii.gz", 1)
    assert is_pairs(tmp_path)
    dataset = read_pairs(tmp_path)
    assert [(s.id, s.label) for s in dataset.studies] == [("a", tmp_path / "labels" / "a.nii.gz"), ("b", None)]
    assert (dataset.channel_names, dataset.label_names) == (("image",), None)


def test_labels_without_an_image_are_all_named(tmp_path: Path, scan: Write, label: Write) -> None:
    scan(tmp_path / "images" / "a.nii")
    for name in ("x", "y"):
        label(tmp_path / "labels" / f"{name}.nii", 1)
    with pytest.raises(DatalistError, match=r"2 faults(.|\n)*no file 'x' in images/(.|\n)*no file 'y'"):
        read_pairs(tmp_path)


def test_loose_files_are_one_study_each(tmp_path: Path, scan: Write) -> None:
    for name in ("b", "a"):
        scan(tmp_path / f"{name}.nii.gz")
    assert is_files(tmp_path)
    assert [(s.id, s.label) for s in read_files(tmp_path).studies] == [("a", None), ("b", None)]
    assert is_files(tmp_path / "a.nii.gz")
    assert [s.id for s in read_files(tmp_path / "a.nii.gz").studies] == ["a"]


def test_an_empty_folder_holds_no_loose_files(tmp_path: Path) -> None:
    assert not is_files(tmp_path)
    assert not is_pairs(tmp_path)
