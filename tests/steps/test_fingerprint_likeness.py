"""Many images that are alike are told in few sentences."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from plan_data import SHAPE, image_of, image_path, label_of, label_path, save, write_cohort

from medseg.core.errors import DatalistError
from medseg.steps.fingerprint import take_fingerprint
from medseg.steps.fingerprint_likeness import FILES_SHOWN, PAIRS_SHOWN


def fingerprint(folder: Path, warn: Callable[[str], None] = pytest.fail) -> None:
    take_fingerprint(folder, modality=None, folder=None, warn=warn)


def put(folder: Path, numbers: Sequence[int], image: np.ndarray) -> None:
    for number in numbers:
        save(image_path(folder, number), image)


def test_equal_images_of_many_patients_are_one_fault(tmp_path: Path) -> None:
    put(write_cohort(tmp_path, FILES_SHOWN + 3), range(FILES_SHOWN + 2), image_of(1))
    with pytest.raises(DatalistError) as caught:
        fingerprint(tmp_path)
    message = str(caught.value)
    assert ": 1 fault" in message
    assert f"'{image_path(tmp_path, 0)}', '{image_path(tmp_path, 1)}', " in message
    assert "and 2 more hold the same image, voxel for voxel, under 7 patients" in message
    assert "Keep one, or give all one patient" in message


def test_three_equal_images_are_listed(tmp_path: Path) -> None:
    put(write_cohort(tmp_path), (0, 1, 4), image_of(1))
    with pytest.raises(DatalistError, match="under 3 patients") as caught:
        fingerprint(tmp_path)
    assert f"'{image_path(tmp_path, 1)}' and '{image_path(tmp_path, 4)}' hold the same image" in str(caught.value)


def test_equal_images_without_contrast_are_a_warning(tmp_path: Path) -> None:
    warned = list[str]()
    put(write_cohort(tmp_path), (1, 3), np.full(SHAPE, 7, np.float32))
    fingerprint(tmp_path, warned.append)
    (warning,) = warned
    assert f"'{image_path(tmp_path, 1)}' and '{image_path(tmp_path, 3)}' hold one value alone" in warning


def test_of_many_images_that_are_alike_the_first_are_named_and_the_rest_is_counted(tmp_path: Path) -> None:
    warned = list[str]()
    write_cohort(tmp_path, 6)
    for number in range(6):  # 15 pairs
        noise = np.random.default_rng(90 + number).normal(0, 1 + number / 10, SHAPE)
        save(image_path(tmp_path, number), (image_of(1) + noise).astype(np.float32))
        save(label_path(tmp_path, number), label_of())
    fingerprint(tmp_path, warned.append)
    assert len(warned) == PAIRS_SHOWN + 1
    assert "P0.nii.gz' and" in warned[0]
    assert "P1.nii.gz' are nearly the same" in warned[0]
    assert warned[-1] == "possible leakage: 5 more pairs of images are nearly the same"
