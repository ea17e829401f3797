from collections.abc import Callable
from pathlib import Path

import pytest

from medseg.core.errors import DatalistError
from medseg.datasets.brats import is_brats, read_brats

OLD = ("t1", "t1ce", "t2", "flair", "seg")
NEW = ("t1n", "t1c", "t2w", "t2f", "seg")


def study(
    scan: Callable[..., Path], folder: Path, parts: tuple[str, ...], mark: str = "_", ending: str = ".nii.gz"
) -> Path:
    for part in parts:
        scan(folder / f"{folder.name}{mark}{part}{ending}")
    return folder


def test_names_until_2021_give_canonical_channels_and_label_4_for_et(tmp_path: Path, scan: Callable[..., Path]) -> None:
    study(scan, tmp_path / "BraTS2021_00001", OLD)
    study(scan, tmp_path / "BraTS2021_00000", OLD)
    assert is_brats(tmp_path)
    dataset = read_brats(tmp_path)
    assert [s.id for s in dataset.studies] == ["BraTS2021_00000", "BraTS2021_00001"]
    assert dataset.channel_names == ("t1", "t1c", "t2", "flair")
    assert dataset.label_names == {1: "NCR", 2: "ED", 4: "ET"}
    first = dataset.studies[0]
    assert [c.path.name for c in first.channels.values()] == [f"BraTS2021_00000_{p}.nii.gz" for p in OLD[:4]]
    assert first.label == tmp_path / "BraTS2021_00000" / "BraTS2021_00000_seg.nii.gz"
    assert first.patient == "BraTS2021_00000"


def test_names_from_2023_join_the_visits_of_a_patient(tmp_path: Path, scan: Callable[..., Path]) -> None:
    for visit in ("000", "001"):
        study(scan, tmp_path / f"BraTS-GLI-00012-{visit}", NEW, "-")
    dataset = read_brats(tmp_path)
    assert dataset.label_names == {1: "NCR", 2: "ED", 3: "ET"}
    assert {s.patient for s in dataset.studies} == {"BraTS-GLI-00012"}
    assert list(dataset.studies[0].channels) == ["t1", "t1c", "t2", "flair"]
    assert dataset.studies[0].channels["flair"].path.name == "BraTS-GLI-00012-000-t2f.nii.gz"


def test_grades_and_plain_nii_and_capitals_are_read(tmp_path: Path, scan: Callable[..., Path]) -> None:
    study(scan, tmp_path / "HGG" / "A", OLD, ending=".nii")
    study(scan, tmp_path / "LGG" / "B", tuple(part.upper() for part in OLD))
    assert is_brats(tmp_path)
    assert [s.id for s in read_brats(tmp_path).studies] == ["A", "B"]


def test_one_study_folder_without_a_label_is_read(tmp_path: Path, scan: Callable[..., Path]) -> None:
    (only,) = read_brats(study(scan, tmp_path / "A", OLD[:4])).studies
    assert only.label is None


def test_litter_is_ignored_and_other_scans_are_named(tmp_path: Path, scan: Callable[..., Path]) -> None:
    folder = study(scan, tmp_path / "A", OLD)
    (folder / "._A_t1.nii.gz").write_bytes(b"junk")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "notes.txt").write_text("read me")
    scan(folder / "W39_Segm.nii")
    assert read_brats(tmp_path).notes == ("left aside, not named as a BraTS channel: W39_Segm.nii",)


def test_all_missing_and_doubled_channels_are_told_at_once(tmp_path: Path, scan: Callable[..., Path]) -> None:
    study(scan, tmp_path / "A", ("t1", "t2", "flair", "seg"))
    study(scan, tmp_path / "B", ("t1", "t1ce"))
    scan(study(scan, tmp_path / "C", OLD) / "C_t1.nii")
    with pytest.raises(DatalistError) as caught:
        read_brats(tmp_path)
    message = str(caught.value)
    assert "4 faults" in message
    assert f"study 'A': channel t1c is missing ('{tmp_path / 'A' / 'A_t1ce.nii.gz'}')" in message
    assert "study 'B': channel t2 is missing" in message
    assert "study 'B': channel flair is missing" in message
    assert "study 'C': channel t1 is there 2 times (C_t1.nii, C_t1.nii.gz); keep one" in message


def test_the_two_label_conventions_are_not_mixed(tmp_path: Path, scan: Callable[..., Path]) -> None:
    study(scan, tmp_path / "A", OLD)
    study(scan, tmp_path / "B-000", NEW, "-")
    with pytest.raises(DatalistError, match="are mixed; give them as two folders"):
        read_brats(tmp_path)


def test_paediatric_studies_come_with_a_warning(tmp_path: Path, scan: Callable[..., Path]) -> None:
    study(scan, tmp_path / "BraTS-PED-00001-000", NEW, "-")
    assert "2024 release numbers other tissues" in read_brats(tmp_path).notes[0]


def test_a_folder_of_data_folders_and_a_single_channel_are_not_brats(tmp_path: Path, scan: Callable[..., Path]) -> None:
    study(scan, tmp_path / "cohort" / "A", OLD)
    scan(tmp_path / "other" / "P1_t1.nii.gz")
    assert not is_brats(tmp_path)
    assert not is_brats(tmp_path / "other")
