"""`medseg infer` and `medseg evaluate` with several bundles and with mirror images."""

import json
import shutil
from pathlib import Path
from typing import Any

import clinic
import nibabel
import numpy as np
import pydicom
import pytest
import tiny

from medseg.bundle.read import read_bundle


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, model: Path) -> list[Path]:
    """Three models of one bundle; do not write into them."""
    root = tmp_path_factory.mktemp("models")
    others = [Path(shutil.copytree(model, root / name)) for name in ("second", "third")]
    return [model, *(tiny.add_random_weights(other, seed) for seed, other in enumerate(others, 1))]


def _scan(cohort: Path) -> Path:
    return cohort / "imagesTr" / "phantom_000.nii.gz"


def _infer(output: Path, scan: Path, *words: object) -> Path:
    answer = tiny.call("infer", *words, "--input", scan, "--output", output)
    assert answer.code == 0, answer.err
    return output


def _labels(output: Path, name: str = "phantom_000") -> np.ndarray:
    return np.asarray(nibabel.load(output / f"{name}.nii.gz").dataobj)


def _record(output: Path) -> dict[str, Any]:
    return dict(json.loads((output / "run.json").read_text()))


def _mean_by_hand(models: list[Path], scan: Path) -> np.ndarray:
    """Argmax of the mean softmax, of a scan whose grid is the bundle's."""
    import torch

    from medseg.bundle.build import build_inferer, build_network, build_preprocessing

    image = nibabel.load(scan)
    assert np.allclose(np.abs(np.linalg.det(image.affine[:3, :3])), 1.0)
    total: Any = 0.0
    for root in models:
        bundle = read_bundle(root)
        network = build_network(bundle).eval()
        network.load_state_dict(torch.load(bundle.weights, weights_only=True))
        from monai.data import MetaTensor

        voxels = np.asarray(image.dataobj, np.float32)[None]
        given = build_preprocessing(bundle)({"image": MetaTensor(torch.from_numpy(voxels), affine=image.affine)})
        with torch.inference_mode():
            total = total + torch.softmax(build_inferer(bundle)(given["image"].as_tensor()[None], network)[0], 0)
    return np.asarray(total.argmax(0).numpy().astype(np.uint8))


def _texts(item: pydicom.Dataset) -> list[str]:
    inner = [text for one in item.get("ContentSequence") or () for text in _texts(one)]
    return [str(item.TextValue), *inner] if "TextValue" in item else inner


# Averages


def test_the_label_map_of_several_is_that_of_their_mean_probability(
    models: list[Path], tiny_cohort: Path, tmp_path: Path
) -> None:
    scan = _scan(tiny_cohort)
    together = _labels(_infer(tmp_path / "three", scan, "--bundle", *models))
    by_hand = _mean_by_hand(models, scan)
    assert np.mean(together != by_hand) < 1e-3  # ties within rounding
    assert np.mean(_labels(_infer(tmp_path / "one", scan, "--bundle", models[0])) != by_hand) > 0.01


def test_order_changes_nothing_and_a_model_beside_its_twin_is_the_model(
    models: list[Path], tiny_cohort: Path, tmp_path: Path
) -> None:
    scan = _scan(tiny_cohort)
    there = _infer(tmp_path / "there", scan, "--bundle", *models[:2])
    back = _infer(tmp_path / "back", scan, "--bundle", models[1], "--bundle", models[0])
    assert (there / "phantom_000.nii.gz").read_bytes() == (back / "phantom_000.nii.gz").read_bytes()
    assert _record(there)["bundle"] == _record(back)["bundle"]
    twin = Path(shutil.copytree(models[0], tmp_path / "twin"))
    metadata = json.loads((twin / "configs" / "metadata.json").read_text())
    (twin / "configs" / "metadata.json").write_text(json.dumps(metadata | {"version": "9.9.9"}))
    alone = _infer(tmp_path / "alone", scan, "--bundle", models[0])
    assert np.array_equal(_labels(_infer(tmp_path / "twins", scan, "--bundle", models[0], twin)), _labels(alone))


def test_with_mirror_images_a_symmetric_scan_gets_a_symmetric_label_map(
    model: Path, tiny_cohort: Path, tmp_path: Path
) -> None:
    image = nibabel.load(_scan(tiny_cohort))
    voxels = np.asarray(image.dataobj, np.float32)
    axis = nibabel.aff2axcodes(image.affine).index("R") if "R" in nibabel.aff2axcodes(image.affine) else 0
    scan = tmp_path / "even.nii.gz"
    nibabel.save(nibabel.Nifti1Image(voxels + np.flip(voxels, axis), image.affine), scan)
    mirrored = _labels(_infer(tmp_path / "tta", scan, "--bundle", model, "--tta"), "even")
    plain = _labels(_infer(tmp_path / "plain", scan, "--bundle", model), "even")
    assert np.array_equal(mirrored, np.flip(mirrored, axis))
    assert not np.array_equal(plain, np.flip(plain, axis))
    assert len(np.unique(mirrored)) > 1


# What is told


def test_the_record_and_the_screen_name_members_axes_and_memory(
    models: list[Path], tiny_cohort: Path, tmp_path: Path
) -> None:
    words = ("--bundle", *models[:2], "--tta", "--input", _scan(tiny_cohort), "--output", tmp_path)
    answer = tiny.call("infer", *words)
    assert answer.code == 0, answer.err
    assert "Averaged: 2 networks, each of 2 mirror images (axes 0); all in memory, " in answer.out
    record = _record(tmp_path)
    digests = sorted(read_bundle(root).digest for root in models[:2])
    assert [one["digest"] for one in record["members"]] == digests
    assert record["flip_axes"] == [0]
    assert record["bundle"]["name"] == "2 x hippocampus_unet3d"
    assert record["bundle"]["digest"] not in digests


def test_dicom_results_and_the_report_name_every_member(models: list[Path], tmp_path: Path) -> None:
    study = clinic.t1_study(tmp_path / "study")
    output = _infer(tmp_path / "out", study, "--bundle", *models[:2], "--format", "dicom-sr")
    (folder,) = (path for path in output.iterdir() if path.is_dir())
    digests = [read_bundle(root).digest for root in models[:2]]
    seg = pydicom.dcmread(folder / "seg.dcm").SegmentSequence[0]
    parameters = seg.SegmentationAlgorithmIdentificationSequence[0].AlgorithmParameters
    said = " ".join(_texts(pydicom.dcmread(folder / "sr.dcm")))
    told = [str(parameters), said, (folder / "report.html").read_text()]
    assert [[digest in text for digest in digests] for text in told] == [[True, True]] * 3
    assert "None is stated for this combination." in told[2]


def test_a_cross_validation_is_the_models_of_its_folds(models: list[Path], tiny_cohort: Path, tmp_path: Path) -> None:
    whole = tmp_path / "cv"
    for n, root in enumerate(models):
        shutil.copytree(root, whole / f"fold{n}" / "bundle")
        (whole / f"fold{n}" / "run.json").write_text('{"outcome": "finished"}')
    (whole / "run.json").write_text(json.dumps({"folds": [{"name": f"fold{n}"} for n in range(len(models))]}))
    scan = _scan(tiny_cohort)
    one, other = (
        _infer(tmp_path / "cv_out", scan, "--bundle", whole),
        _infer(tmp_path / "out", scan, "--bundle", *models),
    )
    assert np.array_equal(_labels(one), _labels(other))
    assert _record(one)["members"] == _record(other)["members"]


# Evaluation


def test_what_any_of_the_models_has_seen_is_left_out(tiny_run: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(tiny_run, tmp_path / "other"))
    tiny.add_random_weights(other / "bundle")
    record = _record(other)
    seen_too = record["split"]["holdout"].pop()
    record["split"]["train"].append(seen_too)
    (other / "run.json").write_text(json.dumps(record))
    words = ("--bundle", tiny_run, other, "--tta", "--data", tiny_cohort, "--output", tmp_path / "out", "--no-report")
    answer = tiny.call("evaluate", *words)
    assert answer.code == 0, answer.err
    assert "7 of 8 studies were trained on or chosen by; they are left out." in answer.out
    found = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert found["labels"]["anterior"]["dice"]["n"] == 1
    assert found["bundle_digest"] == _record(tmp_path / "out" / "predictions")["bundle"]["digest"]
    assert {"member_1", "member_2", "mirrored_axes"} <= found.keys()


def test_models_to_be_scored_by_other_rules_are_refused(models: list[Path], tiny_cohort: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(models[1], tmp_path / "other"))
    tiny.edit_yaml(other / "configs" / "evaluate.yaml", lambda values: values["tolerance_mm"].update(anterior=2.0))
    answer = tiny.call("evaluate", "--bundle", models[0], other, "--data", tiny_cohort, "--output", tmp_path / "out")
    assert answer.code == 1
    assert "evaluate.yaml differ in tolerance_mm" in answer.err
    assert not (tmp_path / "out").exists()
