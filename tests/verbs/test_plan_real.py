"""`medseg plan` on openly licensed data: four kinds of images, and faults planted into one of them."""

import shutil
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import tiny
import yaml
from plan_here import plan

from medseg.bundle.read import Bundle, read_bundle
from medseg.steps import fingerprint_cache

pytestmark = pytest.mark.realdata


def planned(data: Path, output: Path) -> tuple[Bundle, dict[str, Any], tiny.Answer]:
    answer = plan("--data", data, "--name", "planned", "--output", output)
    assert answer.code == 0, answer.err
    recipe = yaml.safe_load((output / "planned" / "configs" / "train.yaml").read_text())
    return read_bundle(output / "planned"), recipe, answer


def test_the_hippocampus_is_not_mirrored_and_planned_the_same_way_again(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, recipe, answer = planned(real_data / "Task04_Hippocampus", tmp_path / "first")
    assert bundle.labels.class_of_value() == {0: 0, 1: 1, 2: 2}
    assert recipe["augmentation"]["flip_axes"] == []
    assert recipe["sampling"]["patch"] == [40, 56, 40]
    assert bundle.inference["network_def"]["spatial_dims"] == 3
    assert "leakage" not in answer.err
    monkeypatch.setattr(fingerprint_cache, "_measure", lambda study: pytest.fail("measured again"))
    planned(real_data / "Task04_Hippocampus", tmp_path / "second")
    for name in sorted(tiny.files_below(tmp_path / "first")):
        assert (tmp_path / "second" / name).read_bytes() == (tmp_path / "first" / name).read_bytes(), name


def test_brats_gets_four_channels_regions_and_mirrors_left_and_right(real_data: Path, tmp_path: Path) -> None:
    bundle, recipe, _ = planned(real_data / "BraTS2021", tmp_path)
    assert [channel.name for channel in bundle.channels] == ["t1", "t1c", "t2", "flair"]
    assert bundle.labels.class_of_value() == {0: 0, 1: 1, 2: 2, 4: 3}
    assert list(bundle.labels.regions) == ["WT", "TC", "ET"]
    assert recipe["augmentation"]["flip_axes"] == [0]
    assert recipe["loss"]["batch_dice"] is True  # ET is absent in some
    steps = [step["_target_"].rpartition(".")[2] for step in bundle.inference["preprocessing"]["transforms"]]
    assert "CropForegroundd" in steps  # heads without their skull, 85 % zeros


def test_thick_slices_of_the_spinal_cord_get_kernels_of_one(real_data: Path, tmp_path: Path) -> None:
    bundle, recipe, _ = planned(real_data / "spinalcord", tmp_path)
    network = bundle.inference["network_def"]
    assert network["kernel_size"][0] == [3, 3, 1]
    assert network["kernel_size"][-1] == 3
    assert network["strides"][1] == [2, 2, 1]
    assert recipe["sampling"]["patch"][2] < recipe["sampling"]["patch"][1]
    assert recipe["augmentation"]["flip_axes"] == [0]


def test_nuclei_get_a_network_in_2d_for_pictures_of_numbered_objects(real_data: Path, tmp_path: Path) -> None:
    bundle, recipe, _ = planned(real_data / "dsb2018", tmp_path)
    assert bundle.takes_pictures
    assert bundle.labels.instances
    assert bundle.inference["network_def"]["spatial_dims"] == 2
    assert recipe["sampling"]["patch"][2] == 1
    assert recipe["augmentation"]["flip_axes"] == [0, 1]
    assert recipe["augmentation"]["rotation"]["range"] == [-180.0, 180.0]


def test_planted_faults_are_named_by_file_and_nothing_is_written(real_data: Path, tmp_path: Path) -> None:
    names = [path.name for path in sorted((real_data / "Task04_Hippocampus" / "imagesTr").iterdir())[:7]]
    data = tmp_path / "data"
    for folder in ("images", "labels"):
        (data / folder).mkdir(parents=True)
        for name in names:
            shutil.copyfile(real_data / "Task04_Hippocampus" / f"{folder}Tr" / name, data / folder / name)
    shutil.copyfile(data / "images" / names[0], data / "images" / names[1])
    image = nibabel.load(data / "images" / names[2])
    array = np.asarray(image.dataobj, np.float32)
    noise = np.random.default_rng(0).normal(0, 0.1 * array.std(), array.shape)
    nibabel.save(nibabel.Nifti1Image(array + noise.astype(np.float32), image.affine), data / "images" / names[3])
    label = nibabel.load(data / "labels" / names[2])
    nibabel.save(label, data / "labels" / names[3])
    label = nibabel.load(data / "labels" / names[4])
    affine = label.affine.copy()
    affine[0, 3] += 3.0
    nibabel.save(nibabel.Nifti1Image(np.asarray(label.dataobj), affine), data / "labels" / names[4])
    answer = plan("--data", data, "--name", "planned", "--output", tmp_path / "bundles")
    assert answer.code == 1
    assert f"{names[0]}' and '{data / 'images' / names[1]}' hold the same image" in answer.err
    assert f"{names[2]}' and '{data / 'images' / names[3]}' are nearly the same image" in answer.err
    assert f"label '{data / 'labels' / names[4]}' lies on another grid" in answer.err
    assert not (tmp_path / "bundles").exists()
