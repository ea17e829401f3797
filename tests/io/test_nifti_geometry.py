from pathlib import Path

import nibabel
import numpy as np
import pytest

from medseg.core.errors import GeometryError
from medseg.io.nifti import read_header, read_volume

ANISOTROPIC = np.diag([0.9, 0.9, 3.0, 1.0])
ANISOTROPIC[:3, 3] = [-80, -90, 12]


def save(path: Path, sform: np.ndarray | None, qform: np.ndarray | None, shape: tuple[int, ...] = (60, 50, 20)) -> Path:
    image = nibabel.Nifti1Image(np.zeros(shape, np.int16), None)
    image.header.set_qform(np.eye(4) if qform is None else qform, code=0 if qform is None else 1)
    image.header.set_sform(np.zeros((4, 4)) if sform is None else sform, code=0 if sform is None else 1)
    content = bytearray(image.header.binaryblock + bytes(4) + np.zeros(shape, np.int16).tobytes())
    content[108:112] = np.float32(352).tobytes()
    path.write_bytes(content)
    return path


def moved(affine: np.ndarray, mm: float) -> np.ndarray:
    other = affine.copy()
    other[0, 3] += mm
    return other


def test_either_form_alone_places_a_volume(tmp_path: Path) -> None:
    for name, forms in {"s": (ANISOTROPIC, ANISOTROPIC), "q": (None, ANISOTROPIC)}.items():
        np.testing.assert_allclose(read_header(save(tmp_path / f"{name}.nii", *forms)).affine_ras, ANISOTROPIC, 1e-6)


def test_a_file_without_forms_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(GeometryError, match=r"a\.nii': neither sform nor qform is set .* set sform_code to 1"):
        read_header(save(tmp_path / "a.nii", None, None))


def test_forms_a_twentieth_of_a_voxel_apart_agree_and_the_sform_counts(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii", ANISOTROPIC, moved(ANISOTROPIC, 0.045))
    np.testing.assert_allclose(read_header(path).affine_ras, ANISOTROPIC, 1e-6)


def test_forms_half_a_voxel_apart_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GeometryError, match=r"disagree by up to 0\.5 voxels \(limit 0\.1\)"):
        read_header(save(tmp_path / "a.nii", ANISOTROPIC, moved(ANISOTROPIC, 0.45)))


def test_forms_with_opposite_axes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GeometryError, match="disagree"):
        read_header(save(tmp_path / "a.nii", ANISOTROPIC, ANISOTROPIC @ np.diag([-1, -1, 1, 1])))


def test_an_sform_whose_spacing_is_not_pixdim_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii", ANISOTROPIC, None)  # pixdim is 1 x 1 x 1
    with pytest.raises(GeometryError, match=r"pixdim says 1 x 1 x 1 mm, the sform 0\.9 x 0\.9 x 3 mm"):
        read_header(path)


def test_a_sheared_affine_is_refused(tmp_path: Path) -> None:
    sheared = np.eye(4)
    sheared[0, 2] = np.tan(np.radians(5))
    image = nibabel.Nifti1Image(np.zeros((9, 9, 9), np.int16), sheared)
    image.to_filename(tmp_path / "a.nii")
    with pytest.raises(GeometryError, match="not at right angles"):
        read_header(tmp_path / "a.nii")


def test_a_singular_affine_is_refused(tmp_path: Path) -> None:
    flat = np.diag([1.0, 1.0, 0.0, 1.0])
    with pytest.raises(GeometryError, match=r"spacing is 1 x 1 x 0 mm"):
        read_header(save(tmp_path / "a.nii", flat, None))


def test_a_quaternion_that_is_no_rotation_is_refused_where_it_counts(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii", None, ANISOTROPIC)
    content = bytearray(path.read_bytes())
    content[256:268] = np.array([0.9, 0.9, 0.9], np.float32).tobytes()
    path.write_bytes(content)
    with pytest.raises(GeometryError, match="not a rotation"):
        read_header(path)


def test_a_4d_file_that_monai_would_place_by_its_unset_qform_is_refused(tmp_path: Path) -> None:
    sform = np.diag([-1.0, -1.0, 1.0, 1.0])
    sform[:3, 3] = 50, 50, 0
    with pytest.raises(GeometryError, match="only the sform is set, but MONAI would read the qform"):
        read_header(save(tmp_path / "a.nii", sform, None, (8, 8, 8, 2)))


def _rounded() -> np.ndarray:
    return np.diag([0.9004, 0.9, 3.0, 1.0])  # moves the far corner by 0.026 voxels


@pytest.mark.parametrize(
    ("sform", "qform"),
    [
        (np.diag([-1.0, -1.0, 1.0, 1.0]), np.diag([-1.0, -1.0, 1.0, 1.0])),
        (None, ANISOTROPIC),
        (ANISOTROPIC, moved(ANISOTROPIC, 0.04)),
        (np.diag([0.9, 0.9, 3.0, 1.0]), _rounded()),
    ],
    ids=["alike", "qform alone", "shifted a little", "pixdim rounded"],
)
@pytest.mark.parametrize("channels", [None, 2])
def test_voxels_and_place_are_those_of_monai(
    tmp_path: Path, sform: np.ndarray | None, qform: np.ndarray, channels: int | None
) -> None:
    from monai.transforms import LoadImaged

    shape = (60, 50, 20) if channels is None else (60, 50, 20, channels)
    path = save(tmp_path / "a.nii", sform, qform, shape)
    content = bytearray(path.read_bytes())
    content[352:] = np.random.default_rng(0).integers(-999, 999, np.prod(shape)).astype(np.int16).tobytes()
    content[112:120] = np.array([0.37, -1.1], np.float32).tobytes()  # scl_slope, scl_inter
    path.write_bytes(content)
    stock = LoadImaged("image", reader="NibabelReader", ensure_channel_first=True)({"image": str(path)})["image"]
    ours = read_volume(path)
    np.testing.assert_array_equal(ours.array, stock.numpy())
    np.testing.assert_array_equal(ours.affine_ras, stock.affine.numpy())
