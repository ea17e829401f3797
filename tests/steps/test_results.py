"""Results are written all or none; volumes are counted by hand."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import clinic
import numpy as np
import pytest

from medseg.bundle.read import Bundle
from medseg.core.errors import BundleError, DicomError, OutputError, UsageError
from medseg.core.formats import Compression, Format, SegType
from medseg.core.volume import Volume
from medseg.steps.dicom_jobs import dicom_jobs
from medseg.steps.dicom_options import DicomOptions
from medseg.steps.jobs import Job, Scan
from medseg.steps.results import ResultOptions, all_or_nothing, check_writable, measurements_of, result_files


def _nifti_job(values: dict[int, int] | None = None) -> Job:
    return Job("P1", (), values or {0: 0, 1: 1, 2: 2}, lambda: Scan(clinic.scan(), ()), lambda *_: None)


@pytest.fixture
def dicom_job(hippocampus: Bundle, tmp_path: Path) -> Job:
    """A study of one series."""
    (job,) = dicom_jobs(hippocampus, clinic.t1_study(tmp_path / "study"), DicomOptions(), print).jobs
    return job


# What is written


@pytest.mark.parametrize(
    ("formats", "report", "nifti", "dicom"),
    [
        (("nifti",), None, ["{}.nii.gz"], ["{}.nii.gz", "{}/report.html"]),
        (("nifti",), True, ["{}.nii.gz", "{}/report.html"], ["{}.nii.gz", "{}/report.html"]),
        (("nifti",), False, ["{}.nii.gz"], ["{}.nii.gz"]),
        (("dicom-seg",), False, ["{}/seg.dcm"], ["{}/seg.dcm"]),
        (("dicom-sr",), False, ["{}/seg.dcm", "{}/sr.dcm"], ["{}/seg.dcm", "{}/sr.dcm"]),
        (("dicom-sr", "nifti"), False, ["{}.nii.gz"], ["{}.nii.gz", "{}/seg.dcm", "{}/sr.dcm"]),
    ],
)
def test_the_files_follow_formats_and_kind_of_input(
    formats: tuple[Format, ...], report: bool | None, nifti: list[str], dicom: list[str] | None, dicom_job: Job
) -> None:
    options = ResultOptions(formats, report)
    assert result_files(_nifti_job(), options) == [name.format("P1") for name in nifti]
    assert result_files(dicom_job, options) == [name.format(dicom_job.id) for name in (dicom or nifti)]


def test_all_files_move_to_their_places_at_the_end(tmp_path: Path) -> None:
    with all_or_nothing(tmp_path / "out", ["a.txt", "b/c.txt"]) as paths:
        for path in paths.values():
            path.parent.mkdir(exist_ok=True)
            path.write_text("x")
        assert not (tmp_path / "out" / "a.txt").exists()
    assert sorted(path.name for path in (tmp_path / "out").rglob("*")) == ["a.txt", "b", "c.txt"]


def _write_all(output: Path, names: Sequence[str], error: Exception | None = None) -> None:
    """Write every name; raise before the end where there is an error to raise."""
    with all_or_nothing(output, names) as paths:
        for path in paths.values():
            path.parent.mkdir(exist_ok=True)
            path.write_text("new")
        if error is not None:
            raise error


def test_an_error_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no"):
        _write_all(tmp_path / "out", ["a.txt", "b/c.txt"], ValueError("no"))
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("obstacle", ["file where a folder goes", "folder where a file goes"])
def test_what_is_in_the_way_shows_before_the_first_file_moves(obstacle: str, tmp_path: Path) -> None:
    if obstacle.startswith("file"):
        (tmp_path / "b").write_text("in the way")
    else:
        (tmp_path / "b" / "c.txt").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"Cannot write to '.*choose another --output"):
        _write_all(tmp_path, ["a.txt", "b/c.txt"])
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_what_was_there_stays_until_all_is_written(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(ValueError, match="no"):
        _write_all(tmp_path, ["a.txt"], ValueError("no"))
    assert (tmp_path / "a.txt").read_text() == "old"


# What is measured


def test_volumes_are_voxels_times_their_size(hippocampus: Bundle) -> None:
    labels = np.zeros((4, 4, 4), np.uint8)
    labels[0, 0, :3], labels[1, :2, :] = 1, 2
    scan = Scan(Volume(np.zeros((1, 4, 4, 4), np.float32), np.diag([2.0, 5.0, 10.0, 1.0])), ())
    found = measurements_of(hippocampus, _nifti_job(), labels, scan)
    by_name = {one.name: one for one in found}
    single = [one for one in found if not one.is_region]
    assert [one.values for one in single] == [(1,), (2,)]
    assert [one.voxels for one in single] == [3, 8]
    assert [one.volume_ml for one in single] == pytest.approx([0.3, 0.8])  # 100 mm3 a voxel
    for one in (one for one in found if one.is_region):
        assert one.voxels == 11, one
    assert len(by_name) == len(found)


def test_regions_join_labels_and_values_are_those_written(brats: Bundle) -> None:
    labels = np.zeros((4, 4, 4), np.uint8)
    labels[0], labels[1, 0], labels[2, 0, :2] = 1, 2, 3
    scan = Scan(Volume(np.zeros((4, 4, 4, 4), np.float32), np.eye(4)), ())
    job = _nifti_job({0: 0, 1: 1, 2: 2, 4: 3})  # names from 2023: enhancing tumour, 4 in the bundle, is written as 3
    found = measurements_of(brats, job, labels, scan)
    assert [one.voxels for one in found if not one.is_region] == [16, 4, 2]
    assert {frozenset(one.values): one.voxels for one in found if one.is_region} == {
        frozenset({1, 2, 3}): 22,
        frozenset({1, 3}): 18,
    }


def test_labels_that_are_absent_are_measured_as_nothing(hippocampus: Bundle) -> None:
    scan = Scan(Volume(np.zeros((1, 2, 2, 2), np.float32), np.eye(4)), ())
    found = measurements_of(hippocampus, _nifti_job(), np.zeros((2, 2, 2), np.uint8), scan)
    assert found
    assert {(one.voxels, one.volume_ml) for one in found} == {(0, 0.0)}


# What is refused before the work


def test_dicom_results_need_dicom_input(hippocampus: Bundle, dicom_job: Job) -> None:
    options = ResultOptions(("dicom-seg",))
    check_writable(hippocampus, [dicom_job, _nifti_job()], options)
    check_writable(hippocampus, [_nifti_job()], ResultOptions())
    with pytest.raises(DicomError, match="need DICOM input") as caught:
        check_writable(hippocampus, [_nifti_job()], options)
    assert caught.value.code == "no_uids"


def test_dicom_results_need_codes(hippocampus: Bundle, dicom_job: Job) -> None:
    uncoded = dataclasses.replace(hippocampus, coded=())
    check_writable(uncoded, [dicom_job], ResultOptions())
    with pytest.raises(BundleError, match="label_codes"):
        check_writable(uncoded, [dicom_job], ResultOptions(("dicom-sr",)))


@pytest.mark.parametrize(("seg_type", "compression"), [("binary", "rle"), ("binary", "jpegls")])
def test_an_encoding_that_cannot_be_is_refused(
    seg_type: SegType, compression: Compression, hippocampus: Bundle, dicom_job: Job
) -> None:
    check_writable(hippocampus, [dicom_job], ResultOptions(("nifti",), None, seg_type, compression))
    with pytest.raises(UsageError, match=f"'{compression}'; choose none"):
        check_writable(hippocampus, [dicom_job], ResultOptions(("dicom-seg",), None, seg_type, compression))
