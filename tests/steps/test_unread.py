"""Damaged files beside no image are told of; those that refused a series were told of already."""

from pathlib import Path

import clinic

from medseg.io.dicom import find_series
from medseg.steps.unread import unread_files


def test_a_damaged_file_beside_images_is_told_of_by_their_series(tmp_path: Path) -> None:
    path = clinic.t1_study(tmp_path) / "IM0003.dcm"
    path.write_bytes(path.read_bytes()[:200])
    assert unread_files(find_series(tmp_path)) == ((), ())


def test_damaged_files_alone_are_left_and_empty_ones_stand_apart(tmp_path: Path) -> None:
    clinic.t1_study(tmp_path / "good")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "IM0001.dcm").write_bytes((tmp_path / "good" / "IM0001.dcm").read_bytes()[:200])
    (tmp_path / "done.txt").touch()
    damaged, empty = unread_files(find_series(tmp_path))
    assert ["IM0001.dcm" in one.finding.sentence for one in damaged] == [True]
    assert ["done.txt" in one.finding.sentence for one in empty] == [True]


def test_a_damaged_file_of_the_name_of_one_already_told_of_is_told_of_too(tmp_path: Path) -> None:
    for folder in ("good", "bad"):
        clinic.t1_study(tmp_path / folder)
        path = tmp_path / folder / "IM0001.dcm"
        path.write_bytes(path.read_bytes()[:200])
    for path in sorted((tmp_path / "bad").iterdir())[1:]:
        path.unlink()
    (damaged,), _ = unread_files(find_series(tmp_path))
    assert damaged.path == tmp_path / "bad" / "IM0001.dcm"
