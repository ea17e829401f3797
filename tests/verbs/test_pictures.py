"""Pictures through every verb: trained on, segmented, scored."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK
import tiny
import tiny_pictures
from PIL import Image


@pytest.fixture(scope="module")
def discs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight pictures with numbered discs; do not write into it."""
    return tiny_pictures.write_discs(tmp_path_factory.mktemp("discs"))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle for pictures, without weights; do not write into it."""
    return tiny_pictures.write_picture_bundle(tmp_path_factory.mktemp("bundles") / tiny_pictures.NAME)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, bundle: Path, discs: Path) -> Path:
    """A finished training on the discs; do not write into it."""
    root = tmp_path_factory.mktemp("pictures")
    answer = tiny.call(
        "train",
        *("--bundle", bundle, "--data", discs, "--output", root / "runs", "--name", "discs", "--no-tracking"),
        *("--epochs", 12, "--seed", 5, "--workers", 0),
    )
    assert answer.code == 0, answer.err
    return root / "runs" / tiny_pictures.NAME / "discs"


@pytest.fixture(scope="module")
def segmented(tmp_path_factory: pytest.TempPathFactory, run: Path, discs: Path) -> Path:
    """Label maps of all pictures by the trained bundle, as stock MONAI computes; do not write into it."""
    output = tmp_path_factory.mktemp("segmented") / "out"
    answer = tiny.call(
        "infer", "--bundle", run, "--input", discs / "imagesTr", "--output", output, "--device", "cpu", "--exact"
    )
    assert answer.code == 0, answer.err
    return output


def test_a_training_on_pictures_learns_and_draws_its_hold_out(run: Path) -> None:
    rows = (run / "holdout.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0] == "study,disc"
    assert all(float(row.split(",")[1]) > 0.5 for row in rows[1:]), rows
    assert len(list((run / "overlays").glob("*.png"))) == len(rows) - 1


def test_a_picture_gets_a_label_map_beside_it_on_its_pixel_grid(segmented: Path, discs: Path) -> None:
    assert sorted(path.name for path in segmented.iterdir()) == [
        *(f"P{n}.png" for n in range(tiny_pictures.STUDIES)),
        *tiny.RECORDS,
    ]
    for n in range(tiny_pictures.STUDIES):
        with Image.open(segmented / f"P{n}.png") as image:
            assert (image.mode, image.size) == ("L", tiny_pictures.SHAPE[::-1])
            found = np.asarray(image) > 0
        truth = np.asarray(Image.open(discs / "labelsTr" / f"P{n}.png")) > 0
        assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.5
    record = json.loads((segmented / "run.json").read_text(encoding="utf-8"))
    assert record["studies"][0]["prediction"].endswith("P0.png")


@pytest.mark.parametrize("reference", ["dataset", "folder", "nifti"])
def test_label_maps_of_pictures_are_scored_in_2d(
    bundle: Path, segmented: Path, discs: Path, tmp_path: Path, reference: str
) -> None:
    references = {"dataset": discs, "folder": discs / "labelsTr", "nifti": tmp_path / "nifti"}[reference]
    if reference == "nifti":  # as ITK, which places PNG files itself, writes them
        references.mkdir()
        for path in sorted((discs / "labelsTr").iterdir()):
            volume = SimpleITK.JoinSeries([SimpleITK.ReadImage(str(path))])
            SimpleITK.WriteImage(volume, str(references / f"{path.stem}.nii.gz"))
    out = tmp_path / "out"
    words = ("--prediction", segmented, "--reference", references, "--bundle", bundle, "--output", out)
    answer = tiny.call("evaluate", *words)
    assert answer.code == 0, answer.err
    rows = (out / "per_study.csv").read_text(encoding="utf-8").splitlines()
    dice = rows[0].split(",").index("dice")
    assert len(rows) == 1 + tiny_pictures.STUDIES
    for row in rows[1:]:
        name = row.split(",")[0]
        found = np.asarray(Image.open(segmented / f"{name}.png")) > 0
        truth = np.asarray(Image.open(discs / "labelsTr" / f"{name}.png")) > 0
        assert float(row.split(",")[dice]) == pytest.approx(2 * (found & truth).sum() / (found.sum() + truth.sum()))


def test_a_bundle_for_pictures_takes_no_volume_and_one_for_volumes_no_picture(
    run: Path, model: Path, discs: Path, tmp_path: Path
) -> None:
    nibabel.save(nibabel.Nifti1Image(np.zeros((32, 32, 8), np.int16), np.eye(4)), tmp_path / "a.nii.gz")
    for bundle, scan, what in (
        (run, tmp_path / "a.nii.gz", r"is a volume; bundle 'discs_unet2d' takes pictures (PNG, TIFF)"),
        (model, discs / "imagesTr" / "P1.png", "is a picture; bundle 'hippocampus_unet3d' takes volumes"),
    ):
        answer = tiny.call("infer", "--bundle", bundle, "--input", scan, "--output", tmp_path / "out")
        assert answer.code == 1
        assert what in answer.err


def test_a_check_tells_of_pictures_as_data(run: Path, discs: Path) -> None:
    answer = tiny.call("check", "--bundle", run, "--network", "--data", discs)
    assert answer.code == 0, answer.err
    assert "3 of 8 pictures are grey: read as red, green, blue alike" in answer.out
    assert "label values number objects; all above 0 are read as 1 disc" in answer.out
    assert "pixels" in answer.out


@pytest.mark.slow
def test_stock_monai_gives_the_label_maps_of_medseg(run: Path, segmented: Path, discs: Path, tmp_path: Path) -> None:
    """Of RGB pictures: grey ones have one channel to it, and it says that the network wants three."""
    (tmp_path / "rgb").mkdir()
    colours = [path for path in sorted((discs / "imagesTr").iterdir()) if Image.open(path).mode == "RGB"]
    for path in colours:
        (tmp_path / "rgb" / path.name).write_bytes(path.read_bytes())
    words = ["--config_file", "configs/inference.yaml", "--dataset_dir", str(tmp_path / "rgb")]
    done = subprocess.run(
        [sys.executable, "-m", "monai.bundle", "run", *words, "--output_dir", str(tmp_path / "out")],
        env={**os.environ, "PYTHONWARNINGS": "ignore", "OMP_NUM_THREADS": "1"},
        cwd=run / "bundle",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for path in colours:
        theirs = np.asarray(Image.open(tmp_path / "out" / f"{path.stem}_seg.png"))
        assert np.array_equal(theirs, np.asarray(Image.open(segmented / path.name)))
