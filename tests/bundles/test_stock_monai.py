"""A bundle runs with MONAI alone: every process here fails on `import medseg`."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest

from medseg.bundle.read import read_bundle


def _scan(folder: Path, study: str) -> Path:
    file = folder / f"{study}.nii.gz"
    return file if file.is_file() else folder / study / f"{study}_t1.nii.gz"


def test_medseg_cannot_be_imported_there(blocked_environment: dict[str, str]) -> None:
    result = subprocess.run([sys.executable, "-c", "import medseg"], env=blocked_environment, capture_output=True)
    assert b"medseg is kept out" in result.stderr


def test_stock_monai_writes_each_study_on_its_own_grid(
    name: str, stock_labels: dict[str, dict[str, Path]], scans: Callable[[str], Path], weighted: Callable[[str], Path]
) -> None:
    values = {0, *(label.value for label in read_bundle(weighted(name)).labels.labels)}
    assert set(stock_labels[name]) == {"even", "thick"}
    for study, path in stock_labels[name].items():
        written, scan = nibabel.load(path), nibabel.load(_scan(scans(name), study))
        labels = np.asarray(written.dataobj)
        assert labels.shape == scan.shape
        assert np.allclose(written.affine, scan.affine, atol=1e-4)
        assert written.get_data_dtype() == np.uint8
        assert set(np.unique(labels)) <= values
        assert len(np.unique(labels)) > 1


def test_outside_the_box_of_the_brain_there_is_background(
    stock_labels: dict[str, dict[str, Path]], scans: Callable[[str], Path]
) -> None:
    for study, path in stock_labels["brats_unet3d"].items():
        labels = np.asarray(nibabel.load(path).dataobj)
        brain = np.asarray(nibabel.load(_scan(scans("brats_unet3d"), study)).dataobj) != 0
        for axis in range(3):
            others = tuple({0, 1, 2} - {axis})
            inside = np.flatnonzero(brain.any(others))
            outside = np.delete(np.arange(brain.shape[axis]), np.arange(inside[0] - 1, inside[-1] + 2))
            assert not np.take(labels, outside, axis).any()


@pytest.mark.slow
def test_the_command_of_the_card_runs(
    name: str,
    stock_run: Callable[[Path, Path, Path], dict[str, Path]],
    stock_labels: dict[str, dict[str, Path]],
    scans: Callable[[str], Path],
    weighted: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    written = stock_run(weighted(name), scans(name), tmp_path)
    for study, path in stock_labels[name].items():
        assert np.array_equal(nibabel.load(written[study]).dataobj, nibabel.load(path).dataobj)
