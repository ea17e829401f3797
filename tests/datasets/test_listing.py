from pathlib import Path

import pytest

from medseg.core.errors import DatalistError
from medseg.datasets.listing import contents, entries, folders_in, scans_in


def test_hidden_files_and_litter_are_left_out(tmp_path: Path) -> None:
    for name in ("b.nii", "a.nii.gz", "._a.nii.gz", ".DS_Store", "Thumbs.db", "notes.txt"):
        (tmp_path / name).touch()
    for name in ("P1", "__MACOSX", "c.nii"):
        (tmp_path / name).mkdir()
    assert [p.name for p in scans_in(tmp_path)] == ["a.nii.gz", "b.nii"]
    assert [p.name for p in folders_in(tmp_path)] == ["P1", "c.nii"]
    assert contents(tmp_path) == "P1/, c.nii/, 1 .nii file, 1 .nii.gz file, 1 .txt file"


def test_an_empty_folder_holds_nothing(tmp_path: Path) -> None:
    assert contents(tmp_path) == "nothing"


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatalistError, match="cannot be read"):
        entries(tmp_path / "none")
