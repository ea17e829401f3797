import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from medseg.core.errors import OutputError
from medseg.steps.job_grid import Grid
from medseg.steps.results import ResultOptions
from medseg.steps.room import check_room

CT = Grid((512, 512, 600), np.eye(4))
MIB = 2**20


def with_free(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))


@pytest.mark.parametrize(
    ("results", "wanted"),
    [
        (ResultOptions(), 4),
        (ResultOptions(formats=("nifti", "dicom-seg")), 154),
        (ResultOptions(uncertainty=True), 604),
        (ResultOptions(probabilities=True), 4 + 150 * 4 * 31),
    ],
)
def test_the_largest_study_has_to_fit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, results, wanted: int) -> None:
    with_free(monkeypatch, (wanted + 2) * MIB)
    check_room(tmp_path / "not" / "there", CT, 31, results)
    with_free(monkeypatch, (wanted - 2) * MIB)
    with pytest.raises(
        OutputError, match=r"[MG]iB are free; the results of one study of 512 x 512 x 600 voxels may take \d"
    ):
        check_room(tmp_path / "not" / "there", CT, 31, results)


def test_without_a_header_nothing_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_free(monkeypatch, 0)
    check_room(tmp_path, None, 31, ResultOptions())
