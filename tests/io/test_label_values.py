from pathlib import Path

import numpy as np
import pytest

from medseg.core.errors import FileError
from medseg.io.label_values import label_values

FILE = Path("a.nii")


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int16, np.uint16, np.float64])
def test_whole_numbers_of_any_type_are_label_values(dtype: type) -> None:
    labels = label_values(FILE, np.array([[0, 1]], dtype), instances=False)
    assert (labels.dtype, labels.tolist()) == (np.uint8, [[0, 1]])


@pytest.mark.parametrize("value", [0.5, -1, 256, np.nan, np.inf])
def test_other_numbers_are_none(value: float) -> None:
    with pytest.raises(FileError, match=r"'a\.nii': 1 voxels such as .* are no label values"):
        label_values(FILE, np.array([0, value]), instances=False)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32])
def test_numbered_objects_are_one_label(dtype: type) -> None:
    assert label_values(FILE, np.array([0, 1, 2, 200], dtype), instances=True).tolist() == [0, 1, 1, 1]
    assert label_values(FILE, np.array([70000, 0]), instances=True).tolist() == [1, 0]


@pytest.mark.parametrize("value", [0.5, -1, np.nan])
def test_numbers_of_objects_are_whole_and_not_negative(value: float) -> None:
    with pytest.raises(FileError, match="whole numbers not negative"):
        label_values(FILE, np.array([0, value]), instances=True)
