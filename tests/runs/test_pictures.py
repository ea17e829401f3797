"""Pictures are drawn whatever the data, and show what they should where we can look."""

import math
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from medseg.core.errors import OutputError
from medseg.runs.metrics_log import Row
from medseg.runs.pictures import PALETTE, draw_curves, draw_overlay

SHAPE = (24, 30, 20)


def _scan() -> np.ndarray:
    return np.random.default_rng(0).uniform(50.0, 100.0, SHAPE)


def _ball(value: int = 1) -> np.ndarray:
    i, j, k = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    return (((i - 6) ** 2 + (j - 15) ** 2 + (k - 10) ** 2 < 25) * value).astype(np.uint8)


def _share_of(picture: np.ndarray, colour: str) -> float:
    wanted = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    return float((np.abs(picture[..., :3] - wanted).max(axis=-1) < 0.05).mean())


@pytest.mark.parametrize(
    ("prediction", "reference"),
    [
        (_ball(), _ball(2)),
        (_ball(), None),
        (np.zeros(SHAPE, np.uint8), _ball()),
        (_ball(), np.zeros(SHAPE, np.uint8)),
        (np.zeros(SHAPE, np.uint8), None),
    ],
    ids=["both", "no reference", "nothing predicted", "nothing there", "nothing at all"],
)
def test_an_overlay_is_drawn(tmp_path: Path, prediction: np.ndarray, reference: np.ndarray | None) -> None:
    path = tmp_path / "overlays" / "study.png"
    draw_overlay(_scan(), prediction, reference, np.diag([1.0, 1.0, 2.5, 1.0]), ["WT", "TC"], path, "study")
    picture = imread(path)
    assert picture.shape[1] == 1690
    for number, name in enumerate(("WT", "TC")):
        drawn = any(classes is not None and (classes == number + 1).any() for classes in (prediction, reference))
        legend_alone = 1e-3
        assert (_share_of(picture, PALETTE[number]) > legend_alone) == drawn, name


def test_the_patients_right_is_on_the_left_of_the_picture(tmp_path: Path) -> None:
    centres = []
    for affine in (np.diag([1.0, 1.0, 1.0, 1.0]), np.diag([-1.0, 1.0, 1.0, 1.0])):
        draw_overlay(np.ones(SHAPE), _ball(), None, affine, ["x"], tmp_path / "x.png", "")
        picture = imread(tmp_path / "x.png")[:-150, :500]  # the axial plane, without the legend
        wanted = np.array([0xE6, 0x9F, 0x00]) / 255
        centres.append(np.argwhere(np.abs(picture[..., :3] - wanted).max(axis=-1) < 0.05)[:, 1].mean())
    # The ball lies at i = 6 of 24: on the patient's left where i runs to the right, on the right where it runs left.
    assert centres[0] > centres[1] + 100


@pytest.mark.parametrize("image", [np.zeros(SHAPE), np.full(SHAPE, np.nan), np.full(SHAPE, -7.0)])
def test_a_scan_without_contrast_is_drawn_too(tmp_path: Path, image: np.ndarray) -> None:
    draw_overlay(image, _ball(), None, np.eye(4), ["x"], tmp_path / "x.png", "")
    assert (tmp_path / "x.png").stat().st_size > 1000


def test_one_slice_is_a_volume_too(tmp_path: Path) -> None:
    flat = np.ones((40, 50, 1), np.uint8)
    draw_overlay(flat * 5.0, flat, flat, np.eye(4), ["x"], tmp_path / "x.png", "")
    assert (tmp_path / "x.png").exists()


def _rows(epochs: int) -> list[Row]:
    return [
        {"epoch": n, "lr": 1e-3 / n, "loss": 1 / n, "dice WT": 0.5 if n % 2 else math.nan, "dice TC": math.nan}
        for n in range(1, epochs + 1)
    ]


@pytest.mark.parametrize("epochs", [0, 1, 7, 200])
def test_curves_are_drawn_from_the_first_epoch_on(tmp_path: Path, epochs: int) -> None:
    draw_curves(_rows(epochs), tmp_path / "curves.png")
    assert imread(tmp_path / "curves.png").shape[:2] == (1040, 1040)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Cannot write"):
        draw_curves(_rows(2), tmp_path / "file" / "curves.png")


@pytest.mark.realdata
def test_a_real_study_is_drawn(tmp_path: Path, real_data: Path) -> None:
    from medseg.io.nifti import read_label, read_volume

    folder = real_data / "Task04_Hippocampus"
    image = read_volume(folder / "imagesTr" / "hippocampus_003.nii.gz")
    label, _ = read_label(folder / "labelsTr" / "hippocampus_003.nii.gz")
    draw_overlay(
        image.array[0].astype(np.float64), label, label, image.affine_ras, ["a", "p"], tmp_path / "x.png", "003"
    )
    assert _share_of(imread(tmp_path / "x.png"), PALETTE[0]) > 1e-3
