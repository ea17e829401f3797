from pathlib import Path
from types import SimpleNamespace

import nibabel
import numpy as np

from medseg.steps.job_grid import grid_of
from medseg.steps.jobs import Job

PLACE = np.diag([-0.7, 0.8, 2.0, 1.0])


def job(*sources: Path, reference: object = None) -> Job:
    return Job("a", sources, {}, lambda: None, lambda *_: None, reference=reference)  # type: ignore[arg-type]


def test_a_file_says_it_in_its_header(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 5, 6), np.int16), PLACE), path)
    grid = grid_of(job(path))
    assert grid is not None
    assert grid.shape == (4, 5, 6)
    assert np.allclose(grid.affine_ras, PLACE)


def test_a_series_knows_it(tmp_path: Path) -> None:
    grid = grid_of(job(reference=SimpleNamespace(shape=(7, 8, 9), affine_ras=PLACE)))
    assert grid is not None
    assert grid.shape == (7, 8, 9)
    assert grid_of(job(reference=SimpleNamespace(shape=None, affine_ras=None))) is None


def test_what_cannot_be_read_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "b.nii.gz").write_bytes(b"no")
    assert grid_of(job(tmp_path / "b.nii.gz")) is None
    assert grid_of(job()) is None
