"""A written series stands where its affine says and holds the values it was given, by readers other than ours."""

import shutil
import subprocess
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK

from medseg.core.errors import DicomError, GeometryError, OutputError
from medseg.core.volume import Volume
from medseg.io.dicom_write import write_series

# Turned by 20 degrees about the left-right axis, then by 30 about the vertical; voxels of 0.8 x 1.2 x 2.5 mm. In RAS+,
# so that i runs to the left and j to the back.
_ABOUT_X = np.array([[1, 0, 0], [0, np.cos(0.35), -np.sin(0.35)], [0, np.sin(0.35), np.cos(0.35)]])
_ABOUT_Z = np.array([[np.cos(0.52), -np.sin(0.52), 0], [np.sin(0.52), np.cos(0.52), 0], [0, 0, 1]])
OBLIQUE = np.eye(4)
OBLIQUE[:3, :3] = _ABOUT_Z @ _ABOUT_X @ np.diag([-0.8, -1.2, 2.5])
OBLIQUE[:3, 3] = [31.5, -20.25, 7.125]
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def numbers(lowest: int, highest: int, shape: tuple[int, ...] = (6, 8, 5)) -> np.ndarray:
    """Whole numbers from lowest to highest, both there."""
    values = np.random.default_rng(1).integers(lowest, highest + 1, (1, *shape))
    values[0, 0, 0, 0], values[0, -1, -1, -1] = lowest, highest
    return values


def read_by_itk(paths: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    """Array (I, J, K) and affine in RAS+, as SimpleITK reads the files in their order."""
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames([str(path) for path in paths])
    image = reader.Execute()
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) @ np.diag(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return SimpleITK.GetArrayFromImage(image).transpose(2, 1, 0), LPS @ affine


@pytest.mark.parametrize(("modality", "lowest", "highest"), [("CT", -1024, 3071), ("MR", 0, 4095), ("MR", -300, 2000)])
def test_another_reader_finds_the_same_voxels_at_the_same_place(
    tmp_path: Path, modality: str, lowest: int, highest: int
) -> None:
    volume = Volume(numbers(lowest, highest), OBLIQUE)
    array, affine = read_by_itk(write_series(volume, tmp_path, modality=modality))
    assert np.array_equal(array, volume.array[0])
    assert np.allclose(affine, OBLIQUE, atol=1e-6)


def test_sixteen_bits_are_kept_where_twelve_do_not_hold_the_values(tmp_path: Path) -> None:
    volume = Volume(numbers(0, 60000), OBLIQUE)
    assert np.array_equal(read_by_itk(write_series(volume, tmp_path))[0], volume.array[0])


def test_fractions_are_scaled_to_half_a_step(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(0, 1, (1, 6, 8, 5))
    array, _ = read_by_itk(write_series(Volume(values, OBLIQUE), tmp_path))
    step = (values.max() - values.min()) / 4095
    assert np.abs(array - values[0]).max() < 0.51 * step


def test_one_value_everywhere_stays_that_value(tmp_path: Path) -> None:
    array, _ = read_by_itk(write_series(Volume(np.full((1, 4, 5, 3), 0.25), OBLIQUE), tmp_path))
    assert np.array_equal(array, np.full((4, 5, 3), 0.25))


def test_a_left_handed_affine_places_each_slice_where_it_says(tmp_path: Path) -> None:
    affine = OBLIQUE @ np.diag([1.0, 1.0, -1.0, 1.0])  # k runs down
    paths = write_series(Volume(numbers(0, 100), affine), tmp_path)
    for k, path in enumerate(paths):
        written = pydicom.dcmread(path)
        assert np.allclose((affine @ [0, 0, k, 1])[:3] * [-1, -1, 1], np.array(written.ImagePositionPatient, float))
        assert written.InstanceNumber == k + 1


@pytest.mark.external
@pytest.mark.skipif(shutil.which("dcm2niix") is None, reason="dcm2niix is not installed")
@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_dcm2niix_finds_the_same_voxels_at_the_same_place(tmp_path: Path, modality: str) -> None:
    volume = Volume(numbers(0, 4095), OBLIQUE)
    write_series(volume, tmp_path / "dicom", modality=modality)
    (tmp_path / "nifti").mkdir()
    words = ["dcm2niix", "-f", "it", "-o", str(tmp_path / "nifti"), str(tmp_path / "dicom")]
    subprocess.run(words, check=True, capture_output=True)
    image = nibabel.load(tmp_path / "nifti" / "it.nii")
    # It turns the rows round; the affine says so. Voxel by voxel, the value at a place is the same.
    index = np.indices(volume.shape).reshape(3, -1)
    places = OBLIQUE @ np.vstack([index, np.ones(index.shape[1])])
    found = np.linalg.inv(image.affine) @ places
    assert np.abs(found - np.rint(found)).max() < 1e-3
    i, j, k = np.rint(found[:3]).astype(int)
    assert np.array_equal(np.asarray(image.dataobj)[i, j, k], volume.array.ravel())


@pytest.mark.external
@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (Debian: dicom3tools) is not installed")
@pytest.mark.parametrize("modality", ["CT", "MR"])
@pytest.mark.parametrize("array", [numbers(0, 4000), numbers(0, 4000) / 7], ids=["whole", "fractions"])
def test_a_conformance_checker_finds_no_error(tmp_path: Path, modality: str, array: np.ndarray) -> None:
    path = write_series(Volume(array, OBLIQUE), tmp_path, modality=modality, description="A phantom")[2]
    said = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False).stderr
    assert ("CTImage" if modality == "CT" else "MRImage") in said
    assert [line for line in said.splitlines() if line.startswith("Error")] == []


def test_the_same_content_has_the_same_uids_and_bytes(tmp_path: Path) -> None:
    volume = Volume(numbers(0, 100), OBLIQUE)
    first, second = (write_series(volume, tmp_path / name, description="T1") for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_other_voxels_have_other_uids(tmp_path: Path) -> None:
    first, second = (write_series(Volume(numbers(0, n), OBLIQUE), tmp_path / str(n)) for n in (100, 101))
    headers = [pydicom.dcmread(paths[0]) for paths in (first, second)]
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"):
        assert headers[0][keyword].value != headers[1][keyword].value


def test_series_of_one_study_share_their_frame_of_reference(tmp_path: Path) -> None:
    for n in (1, 2):
        write_series(Volume(numbers(0, n), OBLIQUE), tmp_path / str(n), number=n, study_uid="1.2.3")
    one, two = (pydicom.dcmread(tmp_path / str(n) / "IM0001.dcm") for n in (1, 2))
    assert one.StudyInstanceUID == two.StudyInstanceUID == "1.2.3"
    assert one.FrameOfReferenceUID == two.FrameOfReferenceUID
    assert one.SeriesInstanceUID != two.SeriesInstanceUID


def test_attributes_stand_on_every_slice_before_the_defaults(tmp_path: Path) -> None:
    wanted = {"PatientName": "Ёлкин^Пётр", "ContrastBolusAgent": "gadoteric acid", "EchoTime": "4.92"}
    for path in write_series(Volume(numbers(0, 9), OBLIQUE), tmp_path, attributes=wanted):
        written = pydicom.dcmread(path)
        assert {keyword: str(written[keyword].value) for keyword in wanted} == wanted
        assert written.PatientID == "MEDSEG-PHANTOM"


@pytest.mark.parametrize(
    ("volume", "options", "error", "says"),
    [
        (Volume(np.zeros((2, 4, 4, 4)), OBLIQUE), {}, DicomError, "one channel"),
        (Volume(np.full((1, 4, 4, 4), np.nan), OBLIQUE), {}, DicomError, "NaN"),
        (Volume(np.full((1, 4, 4, 4), -1025), OBLIQUE), {"modality": "CT"}, DicomError, "-1025"),
        (Volume(np.zeros((1, 4, 4, 4)), OBLIQUE), {"modality": "US"}, DicomError, "'US'"),
        (Volume(np.zeros((1, 4, 4, 4)), OBLIQUE), {"attributes": {"EcoTime": "1"}}, DicomError, "EcoTime"),
        (Volume(np.zeros((1, 4, 4, 4)), np.diag([1.0, 1.0, 0.0, 1.0])), {}, GeometryError, "spacing"),
    ],
    ids=["channels", "nan", "hu", "modality", "keyword", "affine"],
)
def test_what_cannot_be_written_is_named(tmp_path: Path, volume, options, error, says) -> None:
    with pytest.raises(error, match=says):
        write_series(volume, tmp_path, **options)
    assert list(tmp_path.iterdir()) == []


def test_two_series_are_never_mixed_in_one_folder(tmp_path: Path) -> None:
    write_series(Volume(numbers(0, 9), OBLIQUE), tmp_path)
    with pytest.raises(OutputError, match="another folder"):
        write_series(Volume(numbers(0, 8), OBLIQUE), tmp_path)
