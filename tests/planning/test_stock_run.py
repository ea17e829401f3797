"""The lines that MONAI's own runner reads."""

import sys
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, run

from medseg.bundle.build import build_network
from medseg.bundle.read import read_bundle
from medseg.planning.card import bundle_files
from medseg.planning.fingerprint import Fingerprint
from medseg.planning.plan import Plan

Print = Callable[..., Fingerprint]
Planned = Callable[..., Plan]


def write(plan: Plan, root: Path) -> Path:
    for name, text in bundle_files(plan).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def listed(root: Path, data: Path) -> list[dict[str, object]]:
    parser = ConfigParser()
    parser.read_config(root / "configs" / "inference.yaml")
    parser["dataset_dir"] = str(data)
    return list(parser.get_parsed_content("data"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b/b_t1.nii.gz", "b/b_t2.nii.gz", "_t1_a/a_t1.nii.gz", "_t1_a/a_t2.nii.gz", "c.png", "d.tif"):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).touch()
    return tmp_path / "data"


def test_a_file_per_study_is_listed(tmp_path: Path, folder: Path, planned: Planned) -> None:
    root = write(planned(), tmp_path / "bundle")
    assert [item["image"] for item in listed(root, folder / "b")] == [
        str(folder / "b" / name) for name in ("b_t1.nii.gz", "b_t2.nii.gz")
    ]


def test_channels_in_files_of_their_own_are_put_together(
    tmp_path: Path, folder: Path, planned: Planned, fingerprint: Print
) -> None:
    plan = planned(fingerprint(channels=("t1", "t2"), endings=("_t1", "_t2")))
    assert [item["image"] for item in listed(write(plan, tmp_path / "bundle"), folder)] == [
        [str(folder / "_t1_a" / "a_t1.nii.gz"), str(folder / "_t1_a" / "a_t2.nii.gz")],
        [str(folder / "b" / "b_t1.nii.gz"), str(folder / "b" / "b_t2.nii.gz")],
    ]


def test_pictures_are_listed_by_their_endings(
    tmp_path: Path, folder: Path, planned: Planned, fingerprint: Print
) -> None:
    plan = planned(fingerprint(study={"shape": (64, 64, 1)}, modality="microscopy", pictures=True))
    root = write(plan, tmp_path / "bundle")
    assert [item["image"] for item in listed(root, folder)] == [str(folder / "c.png"), str(folder / "d.tif")]


def test_stock_monai_runs_a_planned_bundle_of_two_files_a_study(
    tmp_path: Path, planned: Planned, fingerprint: Print, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = {"shape": (32, 32, 32), "box": (32, 32, 32)}
    data = fingerprint(study=study, channels=("t1", "t2"), endings=("_t1", "_t2"), labels={2: "head", 5: "tail"})
    root = write(planned(data), tmp_path / "bundle")
    (root / "models").mkdir()
    torch.save(build_network(read_bundle(root)).state_dict(), root / "models" / "model.pt")
    image = np.random.default_rng(0).normal(100, 20, (20, 24, 28)).astype(np.float32)
    affine = np.diag([-1.0, -1.0, 2.0, 1.0])
    (tmp_path / "data").mkdir()
    for ending in ("_t1", "_t2"):
        nibabel.Nifti1Image(image, affine).to_filename(tmp_path / "data" / f"a{ending}.nii.gz")
    monkeypatch.setattr(sys, "argv", ["run"])
    config = str(root / "configs" / "inference.yaml")
    run(config_file=config, bundle_root=str(root), dataset_dir=str(tmp_path / "data"), output_dir=str(tmp_path / "out"))
    (result,) = (tmp_path / "out").glob("*.nii.gz")
    found = nibabel.load(result)
    assert result.name == "a_t1_seg.nii.gz"
    assert found.shape == image.shape
    assert np.allclose(found.affine, affine)
    assert set(np.unique(np.asarray(found.dataobj))) <= {0, 2, 5}
