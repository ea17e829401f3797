"""Grey scales and the PNG they are written to."""

import io

import numpy as np
import pytest
from matplotlib.image import imread

from medseg.runs.greys import grey_window, png, shrunk, to_bytes


def test_a_ct_has_the_soft_tissue_window() -> None:
    greys = grey_window(np.array([[[-1000.0, -160.0, 40.0, 240.0, 3000.0]]]), "CT")
    pixels = to_bytes(np.array([[-1000.0, -160.0, 40.0, 240.0, 3000.0]]), greys)
    assert pixels.tolist() == [[0, 0, 128, 255, 255]]
    assert "level 40, width 400" in greys.words


def test_other_scans_have_percentiles_of_what_is_not_zero() -> None:
    scan = np.concatenate([np.zeros(500), np.arange(1, 1001)]).reshape(1, 1, -1)
    greys = grey_window(scan, "MR", percentiles=(10.0, 90.0))
    assert (greys.low, greys.high) == pytest.approx((100.9, 900.1))
    assert grey_window(scan, "MR", percentiles=(10.0, 90.0), headroom=0.25).high == pytest.approx(900.1 + 799.2 / 4)


@pytest.mark.parametrize("scan", [np.zeros((3, 4, 5)), np.full((3, 4, 5), np.nan), np.full((3, 4, 5), 7.0)])
def test_a_scan_without_contrast_has_a_window_too(scan: np.ndarray) -> None:
    greys = grey_window(scan, "")
    assert greys.low < greys.high


def test_what_is_no_number_is_black_and_infinity_white() -> None:
    greys = grey_window(np.zeros((1, 1, 1)), "CT")
    assert to_bytes(np.array([[np.nan, np.inf, -np.inf]]), greys).tolist() == [[0, 255, 0]]


def test_another_reader_reads_the_pixels_back() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (17, 23), np.uint8)
    read = imread(io.BytesIO(png(pixels)), format="png")
    assert np.array_equal(np.rint(read * 255).astype(np.uint8), pixels)


def test_a_large_picture_is_averaged_along_the_axis_that_is_long() -> None:
    picture = np.arange(10.0).reshape(1, 10).repeat(3, axis=0)
    small, blocks = shrunk(picture, 5)
    assert blocks == (1, 2)
    assert small.tolist() == [[0.5, 2.5, 4.5, 6.5, 8.5]] * 3
    assert shrunk(picture, 10)[0] is picture
