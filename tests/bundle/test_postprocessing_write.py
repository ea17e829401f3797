import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from monai.data import MetaTensor

from medseg.bundle.build import build_steps
from medseg.bundle.postprocessing import (
    Cleaning,
    fill_holes,
    keep_largest,
    keep_largest_of_all,
    remove_small_parts,
)
from medseg.bundle.postprocessing_write import with_cleanings, write_cleanings
from medseg.bundle.read import Bundle, read_bundle
from medseg.core.errors import BundleError

BUNDLES = Path(__file__).resolve().parents[2] / "bundles"
STEPS = [
    (keep_largest("anterior", 1), "largest part of anterior: Dice +0.0012"),
    (remove_small_parts(20.5), "no part below 20.5 mm3"),
    (fill_holes("posterior", 2), "holes: a 'quote', a: colon # and a mark"),
    (keep_largest_of_all([1, 2]), "both together"),
]


def _copied(tmp_path: Path, name: str) -> Path:
    return Path(shutil.copytree(BUNDLES / name, tmp_path / name, ignore=shutil.ignore_patterns("models")))


def _inference(root: Path) -> Path:
    return root / "configs" / "inference.yaml"


# What is written


@pytest.mark.parametrize("name", sorted(path.name for path in BUNDLES.iterdir() if (path / "configs").is_dir()))
def test_every_shipped_bundle_takes_steps_before_its_writer_and_keeps_every_line(name: str, tmp_path: Path) -> None:
    root = _copied(tmp_path, name)
    before = _inference(root).read_text()
    write_cleanings(root, STEPS)
    after = _inference(root).read_text()
    transforms = read_bundle(root).inference["postprocessing"]["transforms"]
    assert transforms[-5:-1] == [step.config for step, _ in STEPS]
    assert transforms[-1]["_target_"] == "monai.transforms.SaveImaged"
    lines = iter(after.splitlines())
    assert all(line in lines for line in before.splitlines())  # the same lines in the same order
    for _, comment in STEPS:
        assert f"    # {comment}\n    - _target_:" in after
    former = yaml.safe_load(before)
    del former["postprocessing"]
    assert {key: value for key, value in yaml.safe_load(after).items() if key != "postprocessing"} == former


def test_what_monai_needs_besides_is_named_in_the_card(tmp_path: Path) -> None:
    root = _copied(tmp_path, "hippocampus_unet3d")
    known = read_bundle(root).metadata["required_packages_version"]
    write_cleanings(root, STEPS[2:3])
    assert read_bundle(root).metadata["required_packages_version"] == known
    write_cleanings(root, STEPS[:1])
    needed = read_bundle(root).metadata["required_packages_version"]
    assert needed.keys() - known.keys() == {"scikit-image"}
    assert needed["scikit-image"][0].isdigit()


def test_a_step_that_stands_there_is_not_written_again(tmp_path: Path) -> None:
    root = _copied(tmp_path, "hippocampus_unet3d")
    write_cleanings(root, STEPS[:2])
    before = _inference(root).read_bytes()
    write_cleanings(root, STEPS[:2])
    write_cleanings(root, [])
    assert _inference(root).read_bytes() == before


def test_comments_above_the_writer_stay_with_it() -> None:
    text = (
        "postprocessing:\n  transforms:\n  - _target_: A\n  # the writer\n  - _target_: B\n    keys: [pred]\nnext: 1\n"
    )
    found = with_cleanings(text, [(Cleaning("w", {"_target_": "x.Y", "keys": ["pred"]}), "gain")], name="f")
    head, tail = text.split("  # the writer")
    assert found == f"{head}  # gain\n  - _target_: x.Y\n    keys: [pred]\n  # the writer{tail}"


# What is refused


@pytest.mark.parametrize(
    "part",
    [
        "{_target_: monai.transforms.Compose, transforms: [{_target_: monai.transforms.SaveImaged}]}",
        "text",
        "{_target_: monai.transforms.Compose, transforms: []}",
    ],
)
def test_a_list_that_is_not_written_line_by_line_is_refused(part: str) -> None:
    with pytest.raises(BundleError, match="one '- ' per transform"):
        with_cleanings(f"postprocessing: {part}\n", STEPS, name="f")


def test_a_step_that_may_not_be_built_is_never_written(tmp_path: Path) -> None:
    root = _copied(tmp_path, "hippocampus_unet3d")
    before = _inference(root).read_bytes()
    bad = Cleaning("code", {"_target_": "monai.transforms.Lambdad", "keys": ["pred"], "func": "$print(1)"})
    with pytest.raises(BundleError, match="Lambdad is not allowed"):
        write_cleanings(root, [(bad, "x")])
    assert _inference(root).read_bytes() == before


def test_a_bundle_without_yaml_is_refused(tmp_path: Path) -> None:
    root = _copied(tmp_path, "hippocampus_unet3d")
    values = yaml.safe_load(_inference(root).read_text())
    _inference(root).with_suffix(".json").write_text(json.dumps(values))
    _inference(root).unlink()
    with pytest.raises(BundleError, match=r"no configs/inference\.yaml"):
        write_cleanings(root, STEPS)


# What the steps do


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return read_bundle(BUNDLES / "hippocampus_unet3d")


def _apply(bundle: Bundle, step: Cleaning, labels: np.ndarray, edge_mm: float = 1.0) -> np.ndarray:
    data = {"pred": MetaTensor(labels[None].astype(np.float32), affine=np.diag([1.0, 1.0, edge_mm, 1.0]))}
    return torch.as_tensor(build_steps(bundle, [step.config])(data)["pred"]).numpy()[0].astype(np.uint8)


def _scene() -> np.ndarray:
    """Label 1 in 27 voxels with 2 at its side in 18, an island of 2 voxels of 1, one of 3 of 2, and a hole in 1."""
    labels = np.zeros((12, 12, 12), np.uint8)
    labels[1:4, 1:4, 1:4] = 1
    labels[4:6, 1:4, 1:4] = 2
    labels[2, 2, 2] = 0
    labels[9, 9, 9:11] = 1
    labels[9, 1, 1:4] = 2
    return labels


def test_the_largest_part_of_one_label_stays_and_others_are_left_alone(bundle: Bundle) -> None:
    expected = _scene()
    expected[9, 9, 9:11] = 0
    assert np.array_equal(_apply(bundle, keep_largest("anterior", 1), _scene()), expected)


def test_the_largest_part_of_all_keeps_both_labels_in_it(bundle: Bundle) -> None:
    expected = _scene()
    expected[8:] = 0
    assert np.array_equal(_apply(bundle, keep_largest_of_all([1, 2]), _scene()), expected)


@pytest.mark.parametrize(
    ("edge_mm", "most_mm3", "left"),
    [(1.0, 0.5, {1, 2}), (1.0, 1.5, {2}), (1.0, 2.5, set()), (2.0, 1.5, {1, 2}), (2.0, 3.5, {2})],
)
def test_small_parts_are_told_by_volume_in_whole_voxels_and_labels_count_together(
    edge_mm: float, most_mm3: float, left: set[int], bundle: Bundle
) -> None:
    found = _apply(bundle, remove_small_parts(most_mm3), _scene(), edge_mm)
    assert set(np.unique(found[8:])) - {0} == left
    assert np.array_equal(found[:8], _scene()[:8])


def test_a_map_of_one_label_is_treated_like_others(bundle: Bundle) -> None:
    labels = np.where(_scene() == 1, 1, 0).astype(np.uint8)
    found = _apply(bundle, remove_small_parts(2.5), labels)
    assert not found[8:].any()
    assert np.array_equal(found[:8], labels[:8])


def test_holes_are_filled_with_the_label_around_them(bundle: Bundle) -> None:
    expected = _scene()
    expected[2, 2, 2] = 1
    assert np.array_equal(_apply(bundle, fill_holes("anterior", 1), _scene()), expected)
