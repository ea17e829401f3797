"""The grid is filled slice by slice, each with its own scale; padding becomes background."""

from pathlib import Path

import numpy as np
import pytest
from dicom_good import good_array, good_datasets, good_volume, pixels_of, put_pixels, write_datasets
from dicom_headers import sheared
from dicom_pixels import padded

from medseg.core.errors import DicomError
from medseg.io.dicom import find_series, read_series
from medseg.io.dicom_volume import load


def loaded(datasets: list, folder: Path, **options: object):
    write_datasets(datasets, folder)
    (series,) = find_series(folder, **options).series
    return load(series)


def test_voxels_are_single_precision_and_a_view_with_k_slowest(tmp_path: Path) -> None:
    volume, verdict = loaded(good_datasets("MR"), tmp_path)
    assert (volume.array.dtype, volume.array.shape) == (np.float32, (1, *good_array("MR").shape))
    assert volume.array.transpose(0, 3, 2, 1).flags.c_contiguous
    assert np.array_equal(volume.array, good_volume("MR").array)
    assert verdict.code == "accepted"


@pytest.mark.parametrize("scale", [(0.1, -3.7), (1.0, 0.5), (2.0, 0.0), (-1.0, 100.0), (1.0, 2.0**24), (1e-6, 0.0)])
def test_a_scale_is_applied_in_double_precision(tmp_path: Path, scale: tuple[float, float]) -> None:
    datasets = good_datasets("MR")
    for one in datasets:
        one.RescaleSlope, one.RescaleIntercept = str(scale[0]), str(scale[1])
    volume, _ = loaded(datasets, tmp_path)
    wanted = (good_array("MR") * float(datasets[0].RescaleSlope) + float(datasets[0].RescaleIntercept)).astype("f4")
    assert np.array_equal(volume.array[0], wanted)


def test_each_slice_has_its_own_scale_wherever_its_file_lies(tmp_path: Path) -> None:
    datasets = good_datasets("MR")
    for k, one in enumerate(datasets):
        one.RescaleSlope, one.RescaleIntercept = str(k + 1), str(-k)
    volume, _ = loaded(datasets[::-1], tmp_path)
    k = np.arange(len(datasets))
    assert np.array_equal(volume.array[0], (good_array("MR") * (k + 1) - k).astype("f4"))


@pytest.mark.parametrize("slope", ["1e35", "-1e35"])
def test_values_beyond_single_precision_are_refused_with_their_file(tmp_path: Path, slope: str) -> None:
    datasets = good_datasets("MR")
    for one in datasets:
        one.RescaleSlope, one.RescaleIntercept = "1", "0"
    datasets[5].RescaleSlope = slope
    with pytest.raises(DicomError, match=r"'005\.dcm': slope -?1e\+35") as caught:
        loaded(datasets, tmp_path)
    assert caught.value.code == "values_not_finite"


def test_a_slope_of_0_wipes_out_a_slice_only_where_there_is_something(tmp_path: Path) -> None:
    datasets = good_datasets("MR")
    for one in datasets:
        one.RescaleSlope, one.RescaleIntercept = "1", "0"
    datasets[5].RescaleSlope = "0"
    with pytest.raises(DicomError, match=r"'005\.dcm': RescaleSlope 0"):
        loaded(datasets, tmp_path / "a")
    put_pixels(datasets[5], np.zeros_like(pixels_of(datasets[5])))  # PET writes slices without counts like this
    assert loaded(datasets, tmp_path / "b")[0].array[..., 5].max() == 0


def test_padding_of_a_ct_is_air_and_counted(tmp_path: Path) -> None:
    datasets = good_datasets("CT")
    for one in datasets:
        padded(-2000)(one)
    volume, verdict = loaded(datasets, tmp_path)
    wanted = good_array("CT")
    wanted[:4, :4] = -1024
    assert np.array_equal(volume.array[0], wanted)
    (warning,) = verdict.warnings
    assert warning.code == "padding"
    assert f"{12 * 16} voxels of padding were replaced by -1024" in warning.sentence


def test_padding_of_an_mr_is_the_lowest_value_outside_it(tmp_path: Path) -> None:
    datasets = good_datasets("MR")
    for one in datasets:
        put_pixels(one, pixels_of(one) + np.uint16(30))
        padded(-2000, 6)(one)
    volume, verdict = loaded(datasets, tmp_path)
    assert volume.array[0, :6, :6].min() == volume.array[0, :6, :6].max() == 30
    assert [one.code for one in verdict.warnings] == ["padding"]


def test_padding_that_is_background_already_changes_nothing(tmp_path: Path) -> None:
    datasets = good_datasets("MR")
    for one in datasets:
        one.add_new("PixelPaddingValue", "US", 0)
    volume, verdict = loaded(datasets, tmp_path)
    assert np.array_equal(volume.array, good_volume("MR").array)
    assert verdict.warnings == ()


def test_a_tilted_ct_is_filled_up_with_air(tmp_path: Path) -> None:
    volume, verdict = loaded(sheared(0, 1)(good_datasets("CT")), tmp_path, resample_tilt=True)
    assert volume.array.shape == (1, 36, 32 + 11, 12)
    assert (volume.array[0, :, 32:, 0] == -1024).all()
    assert [one.code for one in verdict.warnings] == ["tilt_resampled"]


def test_what_read_series_gives_is_the_same(tmp_path: Path) -> None:
    write_datasets(good_datasets("CT"), tmp_path)
    (series,) = find_series(tmp_path).series
    one, other = load(series)[0], read_series(series)[0]
    assert np.array_equal(one.array, other.array)
    assert np.array_equal(one.affine_ras, other.affine_ras)
