from pathlib import Path

import nibabel
import numpy as np
import pytest

from medseg.core.errors import FileError, GeometryError
from medseg.core.study import ChannelFile, Study
from medseg.io.study import read_study

AFFINE = np.array([[-1.0, 0, 0, 20], [0, 0, 2.0, -5], [0, 1.5, 0, 7], [0, 0, 0, 1]])


def write(path: Path, voxels: np.ndarray, affine: np.ndarray = AFFINE) -> ChannelFile:
    nibabel.save(nibabel.Nifti1Image(voxels, affine), path)
    return ChannelFile(path)


def voxels(seed: int, shape: tuple[int, ...] = (3, 4, 5)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 900, shape).astype(np.int16)


def test_channels_come_in_the_order_of_the_study(tmp_path: Path) -> None:
    flair, t1 = write(tmp_path / "flair.nii", voxels(1)), write(tmp_path / "t1.nii.gz", voxels(2))
    volume = read_study(Study("S", "P", {"t1": t1, "flair": flair}))
    assert volume.array.dtype == np.float32
    assert np.array_equal(volume.array, np.stack([voxels(2), voxels(1)]))
    assert np.allclose(volume.affine_ras, AFFINE)


def test_channels_may_lie_in_one_4d_file(tmp_path: Path) -> None:
    file = write(tmp_path / "all.nii.gz", voxels(3, (3, 4, 5, 2))).path
    volume = read_study(Study("S", "P", {"b": ChannelFile(file, 1), "a": ChannelFile(file, 0)}))
    assert np.array_equal(volume.array, np.moveaxis(voxels(3, (3, 4, 5, 2))[..., ::-1], -1, 0))


def test_another_shape_is_refused_with_both_channels_named(tmp_path: Path) -> None:
    channels = {"t1": write(tmp_path / "a.nii", voxels(1)), "t2": write(tmp_path / "b.nii", voxels(1, (3, 4, 6)))}
    with pytest.raises(GeometryError, match=r"Study 'S': channels t1 and t2 .*3x4x5 against 3x4x6.*resample them"):
        read_study(Study("S", "P", channels))


def test_a_shifted_channel_is_refused_with_the_distance(tmp_path: Path) -> None:
    shifted = AFFINE.copy()
    shifted[0, 3] += 0.5
    channels = {"t1": write(tmp_path / "a.nii", voxels(1)), "t2": write(tmp_path / "b.nii", voxels(2), shifted)}
    with pytest.raises(GeometryError, match=r"corners lie 0\.5 mm apart"):
        read_study(Study("S", "P", channels))


def test_an_affine_rounded_to_float32_is_the_same_grid(tmp_path: Path) -> None:
    rounded = (AFFINE * (1 + 1e-7)).astype(np.float32)
    channels = {"t1": write(tmp_path / "a.nii", voxels(1)), "t2": write(tmp_path / "b.nii", voxels(2), rounded)}
    assert read_study(Study("S", "P", channels)).array.shape == (2, 3, 4, 5)


def test_a_file_that_is_absent_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"t1\.nii"):
        read_study(Study("S", "P", {"t1": ChannelFile(tmp_path / "t1.nii")}))
