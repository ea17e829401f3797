import gzip
import struct
from pathlib import Path

import nibabel
import numpy as np
import pytest

from medseg.core.errors import FileError, GeometryError, OutputError
from medseg.core.volume import Volume
from medseg.io.nifti import read_header, read_label, read_volume, write_label_map, write_volume

LPS = np.diag([-1.0, -2.0, 3.0, 1.0])
LPS[:3, 3] = [10, 20, -30]


def save(path: Path, array: np.ndarray, affine: np.ndarray = LPS, *, sform: int = 1, qform: int = 1) -> Path:
    image = nibabel.Nifti1Image(array, affine)
    image.set_sform(affine, sform)
    image.set_qform(affine, qform)
    image.to_filename(path)
    return path


def patch(path: Path, offset: int, layout: str, *values: float) -> Path:
    """Overwrite bytes of an uncompressed header."""
    content = bytearray(path.read_bytes())
    struct.pack_into(layout, content, offset, *values)
    path.write_bytes(content)
    return path


@pytest.fixture
def ramp() -> np.ndarray:
    return np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_voxels_shape_and_affine_are_as_stored(tmp_path: Path, ramp: np.ndarray, name: str) -> None:
    path = save(tmp_path / name, ramp)
    volume, header = read_volume(path), read_header(path)
    assert volume.array.dtype == np.float32
    np.testing.assert_array_equal(volume.array, ramp[None])
    np.testing.assert_allclose(volume.affine_ras, LPS)
    assert (header.shape, header.channels, header.dtype) == ((4, 5, 6), 1, "int16")
    np.testing.assert_allclose(header.affine_ras, LPS)


def test_four_dimensions_become_channels_and_one_can_be_picked(tmp_path: Path, ramp: np.ndarray) -> None:
    path = save(tmp_path / "a.nii.gz", np.stack([ramp, ramp + 1, ramp + 2], -1))
    assert read_header(path).channels == 3
    np.testing.assert_array_equal(read_volume(path).array, [ramp, ramp + 1, ramp + 2])
    np.testing.assert_array_equal(read_volume(path, 1).array, [ramp + 1])
    with pytest.raises(FileError, match=r"holds 3 channel\(s\); there is no channel 3"):
        read_volume(path, 3)


def test_axes_of_length_one_behind_the_third_are_dropped(tmp_path: Path, ramp: np.ndarray) -> None:
    path = save(tmp_path / "a.nii", ramp[..., None, None])
    assert read_volume(path).array.shape == (1, 4, 5, 6)
    assert read_label(path)[0].shape == (4, 5, 6)


def test_a_big_endian_file_reads_the_same(tmp_path: Path, ramp: np.ndarray) -> None:
    header = nibabel.Nifti1Header(endianness=">")
    header.set_data_dtype(">i2")
    nibabel.Nifti1Image(ramp, LPS, header).to_filename(tmp_path / "a.nii")
    np.testing.assert_array_equal(read_volume(tmp_path / "a.nii").array, ramp[None])
    assert read_header(tmp_path / "a.nii").dtype == "int16"


def test_nifti_2_reads_the_same(tmp_path: Path, ramp: np.ndarray) -> None:
    nibabel.Nifti2Image(ramp, LPS).to_filename(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(read_volume(tmp_path / "a.nii.gz").array, ramp[None])


@pytest.mark.parametrize("content", [b"", b"not a scan at all", bytes(400)])
def test_what_is_not_nifti_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.nii").write_bytes(content)
    with pytest.raises(FileError, match=r"a\.nii': (the file is empty|not a NIfTI file)"):
        read_volume(tmp_path / "a.nii")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no such file"):
        read_header(tmp_path / "none.nii.gz")
    (tmp_path / "folder.nii").mkdir()
    with pytest.raises(FileError, match="cannot be read"):
        read_header(tmp_path / "folder.nii")


def test_a_plain_file_named_gz_is_refused_with_the_remedy(tmp_path: Path, ramp: np.ndarray) -> None:
    save(tmp_path / "a.nii", ramp).rename(tmp_path / "a.nii.gz")
    with pytest.raises(FileError, match=r"content is not gzip. Rename it to \.nii"):
        read_volume(tmp_path / "a.nii.gz")


@pytest.mark.parametrize("keep", [0.3, 0.9, 0.999])
def test_a_truncated_packed_file_is_refused(tmp_path: Path, keep: float) -> None:
    noise = np.random.default_rng(0).integers(0, 999, (20, 20, 20)).astype(np.int16)
    path = save(tmp_path / "a.nii.gz", noise)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(FileError, match="truncated"):
        read_volume(path)


def test_a_truncated_plain_file_is_refused_before_its_voxels_are_read(tmp_path: Path, ramp: np.ndarray) -> None:
    path = save(tmp_path / "a.nii", ramp)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(FileError, match="describes 592 bytes, the file can hold 591"):
        read_header(path)


def test_one_flipped_bit_in_a_packed_file_is_found(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 999, (20, 20, 20)).astype(np.int16)
    path = save(tmp_path / "a.nii.gz", noise)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(FileError, match=r"damaged|truncated"):
        read_volume(path)


def test_a_header_that_promises_terabytes_is_refused_at_once(tmp_path: Path, ramp: np.ndarray) -> None:
    path = patch(save(tmp_path / "a.nii", ramp), 40, "<8h", 3, 30000, 30000, 30000, 1, 1, 1, 1)
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(path.read_bytes()))
    for damaged in (path, tmp_path / "b.nii.gz"):
        with pytest.raises(FileError, match="header describes 54000000000352 bytes"):
            read_volume(damaged)


def test_a_colour_image_is_refused(tmp_path: Path) -> None:
    colours = np.zeros((3, 3, 3), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    with pytest.raises(FileError, match="one number each"):
        read_header(save(tmp_path / "a.nii", colours))


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_voxels_that_are_no_numbers_are_counted(tmp_path: Path, bad: float) -> None:
    array = np.ones((3, 3, 3))
    array[0, 0, :2] = bad
    with pytest.raises(FileError, match="2 voxels are NaN, infinite or too large"):
        read_volume(save(tmp_path / "a.nii", array))


def test_a_label_of_float_type_with_whole_numbers_is_read(tmp_path: Path) -> None:
    values = np.array([0, 1, 2, 4, 255, 0, 0, 0], np.float32).reshape(2, 2, 2)
    labels, affine = read_label(save(tmp_path / "a.nii.gz", values))
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, values)
    np.testing.assert_allclose(affine, LPS)


@pytest.mark.parametrize(("value", "shown"), [(0.5, "0.5"), (-1.0, "-1"), (256.0, "256"), (np.nan, "nan")])
def test_a_value_that_is_no_label_is_named(tmp_path: Path, value: float, shown: str) -> None:
    array = np.zeros((3, 3, 3), np.float32)
    array[1, 1, 1] = value
    with pytest.raises(FileError, match=rf"1 voxels such as {shown} are no label values"):
        read_label(save(tmp_path / "a.nii", array))


def test_a_label_with_channels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GeometryError, match="this file has 2"):
        read_label(save(tmp_path / "a.nii", np.zeros((3, 3, 3, 2), np.uint8)))


@pytest.mark.parametrize("shape", [(4, 5), (2, 2, 2, 2, 2)])
def test_two_and_five_dimensions_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(GeometryError, match=f"has {len(shape)} dimensions"):
        read_header(save(tmp_path / "a.nii", np.zeros(shape, np.uint8)))


def test_a_zero_spacing_is_not_repaired_in_silence(tmp_path: Path, ramp: np.ndarray) -> None:
    path = patch(save(tmp_path / "a.nii", ramp, sform=0), 80, "<3f", 1, 0, 3)
    with pytest.raises(GeometryError, match="a spacing of 1 x 0 x 3 mm"):
        read_header(path)


def test_units_other_than_mm_are_refused(tmp_path: Path, ramp: np.ndarray) -> None:
    path = patch(save(tmp_path / "a.nii", ramp), 123, "<B", 3)
    with pytest.raises(GeometryError, match="counts in micrometres"):
        read_header(path)


def test_reading_after_a_nibabel_repair_is_quiet(
    tmp_path: Path, ramp: np.ndarray, capfd: pytest.CaptureFixture[str]
) -> None:
    path = patch(save(tmp_path / "a.nii", ramp), 76, "<f", 0)  # qfac 0 is read as 1
    read_volume(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("codes", [(1, 2), (0, 1), (3, 0)])
@pytest.mark.parametrize("name", ["out.nii", "out.nii.gz"])
def test_a_label_map_lies_on_the_grid_of_its_scan(tmp_path: Path, codes: tuple[int, int], name: str) -> None:
    scan = save(tmp_path / "scan.nii.gz", np.full((4, 5, 6), 7.5, np.float32), sform=codes[0], qform=codes[1])
    labels = np.random.default_rng(0).integers(0, 5, (4, 5, 6))
    write_label_map(tmp_path / name, labels, like=scan)
    written, source = nibabel.load(tmp_path / name), nibabel.load(scan)
    assert written.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(np.asarray(written.dataobj), labels)
    np.testing.assert_array_equal(written.affine, source.affine)
    for field in ("sform_code", "qform_code", "xyzt_units", "srow_x", "quatern_b"):
        np.testing.assert_array_equal(written.header[field], source.header[field])
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".tmp")] == []


def test_a_label_map_keeps_nothing_else_of_the_scan(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.full((2, 2, 2), 900, np.int16), LPS)
    image.header.set_slope_inter(2.5, -1024)
    image.header["descrip"], image.header["aux_file"], image.header["cal_max"] = b"Doe^Jane", b"lut.txt", 4000
    image.to_filename(tmp_path / "scan.nii")
    write_label_map(tmp_path / "out.nii", np.array([0, 2] * 4).reshape(2, 2, 2), like=tmp_path / "scan.nii")
    content = (tmp_path / "out.nii").read_bytes()
    assert struct.unpack_from("<2f", content, 112) == (1.0, 0.0)  # scl_slope, scl_inter
    assert struct.unpack_from("<2f", content, 124) == (2.0, 0.0)  # cal_max, cal_min
    assert b"Doe" not in content
    assert b"lut" not in content


def test_a_4d_scan_gets_a_3d_label_map(tmp_path: Path) -> None:
    scan = save(tmp_path / "scan.nii.gz", np.zeros((4, 5, 6, 2), np.int16))
    write_label_map(tmp_path / "out.nii.gz", np.ones((4, 5, 6), np.uint8), like=scan)
    assert nibabel.load(tmp_path / "out.nii.gz").shape == (4, 5, 6)


def test_equal_label_maps_are_equal_files(tmp_path: Path, ramp: np.ndarray) -> None:
    scan = save(tmp_path / "scan.nii.gz", ramp)
    for name in ("a.nii.gz", "b.nii.gz"):
        write_label_map(tmp_path / name, ramp % 3, like=scan)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


@pytest.mark.parametrize("bad", [np.zeros((2, 2, 2)), np.full((4, 5, 6), 300), np.full((4, 5, 6), np.nan)])
def test_a_label_map_that_does_not_fit_is_not_written(tmp_path: Path, ramp: np.ndarray, bad: np.ndarray) -> None:
    scan = save(tmp_path / "scan.nii.gz", ramp)
    with pytest.raises(OutputError, match="label map"):
        write_label_map(tmp_path / "out.nii.gz", bad, like=scan)
    assert not (tmp_path / "out.nii.gz").exists()


def test_a_volume_comes_back_as_it_was_written(tmp_path: Path, ramp: np.ndarray) -> None:
    write_volume(tmp_path / "a.nii.gz", Volume(np.stack([ramp, -ramp]), LPS))
    back = read_volume(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(back.array, [ramp, -ramp])
    np.testing.assert_allclose(back.affine_ras, LPS)
    assert nibabel.load(tmp_path / "a.nii.gz").get_data_dtype() == np.int16


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["BraTS2021", "Task04_Hippocampus", "spinalcord"])
def test_every_real_file_passes_the_gate(real_data: Path, name: str) -> None:
    files = sorted((real_data / name).rglob("*.nii.gz"))
    assert files
    for path in files:
        affine = nibabel.load(path).affine
        np.testing.assert_array_equal(read_header(path).affine_ras, affine)


@pytest.mark.realdata
def test_real_voxels_and_labels_are_those_of_nibabel(real_data: Path) -> None:
    for path in sorted((real_data / "spinalcord" / "imagesTr").glob("*.nii.gz")):
        expected = np.asanyarray(nibabel.load(path).dataobj).astype(np.float32)
        np.testing.assert_array_equal(read_volume(path).array[0], expected)
        label = real_data / "spinalcord" / "labelsTr" / path.name
        np.testing.assert_array_equal(read_label(label)[0], np.asanyarray(nibabel.load(label).dataobj))
