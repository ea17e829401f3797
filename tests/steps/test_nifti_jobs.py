"""Studies in NIfTI files become jobs; an incomplete one never hides the others."""

from pathlib import Path

import clinic
import nibabel
import numpy as np
import pytest

from medseg.bundle.read import Bundle
from medseg.core.errors import DatalistError
from medseg.steps.nifti_jobs import nifti_jobs

_UNTIL_2021 = ("t1", "t1ce", "t2", "flair")
_FROM_2023 = ("t1n", "t1c", "t2w", "t2f")


def _nifti(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(clinic.scan(seed).array[0], clinic.AXIAL), path)
    return path


def _brats(folder: Path, names: tuple[str, ...] = _UNTIL_2021) -> Path:
    joint = "_" if names == _UNTIL_2021 else "-"
    for seed, name in enumerate(names):
        _nifti(folder / f"{folder.name}{joint}{name}.nii.gz", seed)
    return folder


def test_a_file_is_a_job_without_dicom(hippocampus: Bundle, tmp_path: Path, said: list[str]) -> None:
    path = _nifti(tmp_path / "scan.nii.gz")
    (job,) = nifti_jobs(hippocampus, path, said.append).jobs
    assert (job.id, job.sources, job.reference, job.modality) == ("scan", (path,), None, "")
    scan = job.read()
    assert np.array_equal(scan.volume.array, clinic.scan().array)
    (channel,) = scan.channels
    assert (channel.name, channel.recognised, channel.series_number) == ("t1", "file scan.nii.gz", None)
    assert (channel.shape, channel.verdict, channel.resampled) == (clinic.SHAPE, "accepted", False)


def test_a_label_map_is_written_on_the_grid_of_the_scan(hippocampus: Bundle, tmp_path: Path, said: list[str]) -> None:
    (job,) = nifti_jobs(hippocampus, _nifti(tmp_path / "scan.nii.gz"), said.append).jobs
    labels = np.arange(np.prod(clinic.SHAPE)).reshape(clinic.SHAPE).astype(np.uint8) % 3
    job.write_labels(tmp_path / "out.nii.gz", labels, job.read())
    written = nibabel.load(tmp_path / "out.nii.gz")
    assert np.array_equal(np.asarray(written.dataobj), labels)
    assert np.array_equal(written.affine, clinic.AXIAL)


def test_channels_come_in_the_bundles_order(brats: Bundle, tmp_path: Path, said: list[str]) -> None:
    (job,) = nifti_jobs(brats, _brats(tmp_path / "P1"), said.append).jobs
    scan = job.read()
    names = [channel.name for channel in brats.channels]
    assert [channel.name for channel in scan.channels] == names
    seeds = [("t1", "t1c", "t2", "flair").index(name) for name in names]
    for seed, array in zip(seeds, scan.volume.array, strict=True):
        assert np.array_equal(array, clinic.scan(seed).array[0])


@pytest.mark.parametrize(("names", "enhancing"), [(_UNTIL_2021, 4), (_FROM_2023, 3)])
def test_label_values_follow_the_names_of_the_files(
    names: tuple[str, ...], enhancing: int, brats: Bundle, tmp_path: Path, said: list[str]
) -> None:
    (job,) = nifti_jobs(brats, _brats(tmp_path / "P1", names), said.append).jobs
    assert job.value_of == {0: 0, 1: 1, 2: 2, 4: enhancing}


def test_an_incomplete_study_folder_is_an_outcome_beside_the_jobs(
    brats: Bundle, tmp_path: Path, said: list[str]
) -> None:
    _brats(tmp_path / "P1")
    (_brats(tmp_path / "P2") / "P2_t2.nii.gz").unlink()
    found = nifti_jobs(brats, tmp_path, said.append)
    assert [job.id for job in found.jobs] == ["P1"]
    assert [(one.study, one.code) for one in found.outcomes] == [("P2", "failed")]
    assert "channel t2 is missing" in str(found.outcomes[0].reason)


def test_a_folder_of_something_else_is_refused(brats: Bundle, tmp_path: Path, said: list[str]) -> None:
    (tmp_path / "letter.txt").write_text("dear colleague")
    with pytest.raises(DatalistError, match="no known layout"):
        nifti_jobs(brats, tmp_path, said.append)
