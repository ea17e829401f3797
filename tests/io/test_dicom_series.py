"""What a series says of itself."""

from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset

from medseg.core.verdict import Verdict
from medseg.io.dicom_series import Series, Slice


def series(
    *slices: Slice, number: int | None = 3, description: str = "T1", modality: str = "MR", affine=None
) -> Series:
    return Series("1", "2", number, description, modality, slices, None, affine, Verdict())


def plane(path: str, frame: int | None = None) -> Slice:
    return Slice(Path(path), frame, Dataset(), None, None, None, None, None)


def test_each_file_is_listed_once_in_the_order_of_slices() -> None:
    one = series(plane("b", 0), plane("b", 1), plane("a"))
    assert one.files == (Path("b"), Path("a"))
    assert one.header is one.slices[0].header


def test_spacing_is_that_of_the_affine() -> None:
    assert series().spacing_mm is None
    assert series(affine=np.diag([-0.5, -0.7, 3.0, 1.0])).spacing_mm == (0.5, 0.7, 3.0)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "series 3 'T1' (MR)"),
        ({"number": None}, "series 'T1' (MR)"),
        ({"number": 0, "description": ""}, "series 0 (MR)"),
        ({"number": None, "description": "", "modality": ""}, "series (no modality)"),
    ],
)
def test_the_name_leaves_out_what_is_absent(options, name) -> None:
    assert series(**options).name == name
