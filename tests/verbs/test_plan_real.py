"""`medseg plan` on openly licensed data: four kinds of images, and faults planted into one of them."""

import json
import shutil
from collections.abc import Callable
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
    """A plan of the data, which has trained a few steps of itself and segmented a study without an edit."""
    answer = plan("--data", data, "--name", "planned", "--output", output)
    assert answer.code == 0, answer.err
    trained = tiny.call(
        "train", "--bundle", output / "planned", "--data", data, "--output", output, "--device", "cpu", "--dry-run"
    )
    assert trained.code == 0, trained.err
    assert "Dry run: a step takes" in trained.last_line
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
    data = seven_of(real_data / "Task04_Hippocampus", tmp_path / "data")
    first, copy, clean, noisy, moved, odd, _ = sorted((data / "imagesTr").iterdir())
    shutil.copyfile(first, copy)
    changed(clean, noisy, lambda array: array + np.random.default_rng(0).normal(0, 0.1 * array.std(), array.shape))
    shutil.copyfile(label_of(clean), label_of(noisy))
    changed(label_of(moved), label_of(moved), lambda array: array, move_mm=3.0)
    changed(label_of(odd), label_of(odd), with_one_voxel_of_7)
    answer = plan("--data", data, "--name", "planned", "--output", tmp_path / "bundles")
    assert answer.code == 1
    assert f"{first.name}' and '{copy}' hold the same image" in answer.err
    assert f"{clean.name}' and '{noisy}' are nearly the same image" in answer.err
    assert f"label '{label_of(moved)}' lies on another grid" in answer.err
    assert f"'{label_of(odd)}': label value 7 in 1 voxels; the data declares 0 background, 1 Anterior" in answer.err
    assert not (tmp_path / "bundles").exists()


def seven_of(source: Path, data: Path) -> Path:
    """The first seven studies of a Decathlon folder, under a name of which nothing is known: each is a patient."""
    names = [path.name for path in sorted((source / "imagesTr").iterdir())[:7]]
    for folder in ("imagesTr", "labelsTr"):
        (data / folder).mkdir(parents=True)
        for name in names:
            shutil.copyfile(source / folder / name, data / folder / name)
    training = [{"image": f"./imagesTr/{name}", "label": f"./labelsTr/{name}"} for name in names]
    labels = {"0": "background", "1": "Anterior", "2": "Posterior"}
    described = {"name": "Seven", "modality": {"0": "MRI"}, "labels": labels, "training": training}
    (data / "dataset.json").write_text(json.dumps(described))
    return data


def label_of(image: Path) -> Path:
    return image.parents[1] / "labelsTr" / image.name


def changed(source: Path, target: Path, change: Callable[[np.ndarray], np.ndarray], *, move_mm: float = 0.0) -> None:
    image = nibabel.load(source)
    affine = image.affine.copy()
    affine[0, 3] += move_mm
    array = np.asarray(image.dataobj)
    kept = array.dtype if array.dtype.kind in "iu" and "labelsTr" in source.parts else np.float32
    nibabel.save(nibabel.Nifti1Image(change(array).astype(kept), affine), target)


def with_one_voxel_of_7(labels: np.ndarray) -> np.ndarray:
    changed_labels = labels.copy()
    changed_labels[3, 4, 5] = 7
    return changed_labels
