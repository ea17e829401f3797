"""A run becomes one file that says what it is, to medseg, to others and to MLflow."""

import hashlib
import json
import re
import shutil
import zipfile
from pathlib import Path

import nibabel
import numpy as np
import pytest
import tiny
import yaml
from package_made import HOST, NAME, USER, Made, copied, packaged, record_of, unwrapped

from medseg.bundle.read import read_bundle

AWAY = "http://127.0.0.1:9"  # nothing answers there
LAYOUT = {
    *("LICENSE", "manifest.json", "manifest.json.minisig", "validity.json", "sbom.cdx.json"),
    *("configs/metadata.json", "configs/inference.yaml", "configs/inference.json"),
    *("configs/train.yaml", "configs/evaluate.yaml", "configs/series.yaml"),
    *("docs/README.md", "docs/data_license.txt", "docs/recipe.yaml"),
    *("docs/gallery/1-worst.png", "docs/gallery/2-worst.png"),  # two studies are held out
    *("golden/golden.json", "golden/expected.nii.gz", "golden/input/channel_0.nii.gz"),
    "models/model.pt",
}

pytestmark = pytest.mark.usefixtures("one_drawing")


# What is in it


def test_every_file_of_the_layout_is_there_and_no_other(made: Made) -> None:
    assert tiny.files_below(made.folder) == LAYOUT
    assert sorted(path.name for path in made.zip.parent.iterdir()) == [made.zip.name]
    assert made.answer.last_line == str(made.zip)


def test_the_manifest_has_the_digest_of_every_file(made: Made) -> None:
    told = made.read("manifest.json")["files"]
    assert set(told) == LAYOUT - {"manifest.json", "manifest.json.minisig"}
    for name, entry in told.items():
        content = (made.folder / name).read_bytes()
        assert entry == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}, name


def test_the_manifest_says_where_the_model_comes_from(made: Made) -> None:
    told, record = made.read("manifest.json"), record_of(made.run)
    assert (told["format"], told["name"], told["version"], told["networks"]) == (1, NAME, "1.2.0", {})
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told["made"])
    assert told["training"]["seed"] == 5
    for key in ("data_digest", "mlflow_run_id", "started", "commit", "versions"):
        assert told["training"][key] == record[key], key
    assert record["mlflow_run_id"]
    assert told["training"]["studies"] == {"train": 5, "validation": 1, "holdout": 2}
    assert {"python", "medseg", "torch", "monai"} <= set(told["versions"])
    assert told["versions"] == record["versions"]  # the same environment


def test_the_manifest_names_the_model_as_runs_and_evaluations_do(made: Made) -> None:
    told = made.read("manifest.json")
    assert told["bundle_digest"] == read_bundle(made.folder).digest
    assert told["training"]["bundle_digest"] == read_bundle(made.run / "bundle").digest
    assert (
        told["training"]["bundle_digest"] == json.loads((made.evaluation / "summary.json").read_text())["bundle_digest"]
    )


def test_the_weights_are_those_of_the_run(made: Made) -> None:
    weights = (made.run / "bundle" / "models" / "model.pt").read_bytes()
    assert (made.folder / "models" / "model.pt").read_bytes() == weights


def test_both_forms_of_the_configuration_say_the_same(made: Made) -> None:
    assert made.read("configs/inference.json") == yaml.safe_load(made.text("configs/inference.yaml"))


def test_the_evaluation_is_on_the_card_and_in_the_metadata(made: Made) -> None:
    summary = json.loads((made.evaluation / "summary.json").read_text())
    for label in ("anterior", "posterior"):
        told, dice = made.read("configs/metadata.json")["eval_metrics"][label]["dice"], summary["labels"][label]["dice"]
        assert (told["mean"], told["n"]) == (pytest.approx(dice["mean"]), 2)
        assert f"{dice['mean']:.3f}" in made.text("docs/README.md")
    assert "](gallery/1-worst.png)" in made.text("docs/README.md")


def test_the_metadata_says_version_change_and_intended_use(made: Made) -> None:
    metadata = made.read("configs/metadata.json")
    assert metadata["version"] == "1.2.0"
    assert next(iter(metadata["changelog"].items())) == ("1.2.0", "first for the clinic")
    assert "Not a medical device" in metadata["intended_use"]


def test_the_limits_are_those_of_the_studies_it_was_trained_on(made: Made, tiny_cohort: Path) -> None:
    validity, split = made.read("validity.json"), record_of(made.run)["split"]
    assert (validity["studies"], validity["patients"]) == (6, 6)
    shapes = [
        nibabel.load(tiny_cohort / "imagesTr" / f"{study}.nii.gz").shape
        for study in split["train"] + split["validation"]
    ]
    assert validity["extent_mm"]["right"]["seen"] == [min(one[0] for one in shapes), max(one[0] for one in shapes)]


def test_the_recipe_is_that_of_the_run(made: Made) -> None:
    assert yaml.safe_load(made.text("docs/recipe.yaml")) == yaml.safe_load((made.run / "config.yaml").read_text())
    assert "/" not in made.text("docs/recipe.yaml").replace("configs/train.yaml", "")


def test_nothing_of_this_machine_and_no_study_leaks(made: Made, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Places, users and patients, in texts and in what is packed within files."""
    said = [str(tmp_path_factory.getbasetemp()), str(Path.home()), str(tiny.CHECKOUT), ".tmp-"]
    said += [HOST, USER]
    said += [study for part in ("train", "validation", "holdout") for study in record_of(made.run)["split"][part]]
    for name in sorted(LAYOUT):
        for inner, content in unwrapped(name, (made.folder / name).read_bytes()):
            assert not [one for one in said if len(one) > 1 and one.encode() in content], inner


def test_the_screen_says_what_was_measured_and_made(made: Made) -> None:
    lines = made.answer.out.splitlines()
    assert lines[0] == "validity: measured on 6 studies of 6 patients"
    assert lines[1].startswith(
        "golden study: phantom, drawn by medseg from random numbers; no patient was scanned; voxels"
    )
    assert re.fullmatch(rf"{NAME} 1\.2\.0: [\d.]+ KiB, signed", lines[2])


# What others make of it


def test_it_is_verified_with_its_key_and_golden_study(made: Made) -> None:
    answer = tiny.call("verify", "--bundle", made.zip, "--key", made.public, "--golden")
    assert answer.code == 0, answer.err
    assert f"signed by key {public_id(made.public)}: {NAME} 1.2.0, packaged" in answer.out
    assert "golden study in fp32, as packaged: Dice anterior 1.0000, posterior 1.0000" in answer.out


def public_id(path: Path) -> str:
    return path.read_text().splitlines()[0].rpartition(" ")[2]


def test_it_segments_as_its_run_does(made: Made, tiny_cohort: Path, tmp_path: Path) -> None:
    scan = sorted((tiny_cohort / "imagesTr").glob("*.nii.gz"))[0]
    found = []
    for n, place in enumerate((made.zip, made.folder, made.run)):
        answer = tiny.call("infer", "--bundle", place, "--input", scan, "--output", tmp_path / str(n), "--exact")
        assert answer.code == 0, answer.err
        found.append(np.asarray(nibabel.load(tmp_path / str(n) / scan.name).dataobj))
    assert found[0].any()
    assert np.array_equal(found[0], found[2])
    assert np.array_equal(found[1], found[2])


def test_it_can_be_trained_on_and_checked(made: Made, tiny_cohort: Path, tmp_path: Path) -> None:
    words = ("--data", tiny_cohort, "--output", tmp_path / "runs", "--no-tracking")
    answer = tiny.call("train", "--bundle", made.zip, *words, "--dry-run")
    assert answer.code == 0, answer.err
    answer = tiny.call("check", "--bundle", made.zip)
    assert answer.code == 0, answer.err


@pytest.mark.parametrize("form", ["zip", "folder"])
def test_it_does_not_change_when_it_is_evaluated(made: Made, tiny_cohort: Path, tmp_path: Path, form: str) -> None:
    before = made.zip.read_bytes(), tiny.files_below(made.folder)
    words = ("--data", tiny_cohort, "--output", tmp_path / "out", "--no-report", "--no-tracking", "--update-bundle")
    answer = tiny.call("evaluate", "--bundle", getattr(made, form), *words)
    assert answer.code == 2
    assert "is a package, and a package does not change. Evaluate the run, and package it again" in answer.err
    assert (made.zip.read_bytes(), tiny.files_below(made.folder)) == before


def test_a_byte_that_is_changed_is_found(made: Made, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(made.folder, tmp_path / NAME))
    content = bytearray((folder / "docs" / "recipe.yaml").read_bytes())
    content[10] ^= 1
    (folder / "docs" / "recipe.yaml").write_bytes(content)
    answer = tiny.call("check", "--bundle", folder)
    assert answer.code == 1
    assert "docs/recipe.yaml was altered" in answer.err


# MLflow


def test_the_run_s_mlflow_gets_it_as_a_version(made: Made, tiny_cohort: Path, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    assert f"registered as models:/{NAME}/1 in {made.mlflow}" in made.answer.out
    version = MlflowClient(made.mlflow, registry_uri=made.mlflow).get_model_version(NAME, "1")
    assert version.run_id == record_of(made.run)["mlflow_run_id"]
    assert version.tags["package.sha256"] == hashlib.sha256(made.zip.read_bytes()).hexdigest()
    assert version.tags["manifest.training.seed"] == "5"
    scan = sorted((tiny_cohort / "imagesTr").glob("*.nii.gz"))[0]
    address = ("--bundle", f"models:/{NAME}/1", "--tracking-uri", made.mlflow, "--key", made.public)
    answer = tiny.call("infer", *address, "--input", scan, "--output", tmp_path / "out")
    assert answer.code == 0, answer.err
    assert (tmp_path / "out" / scan.name).is_file()


def test_an_mlflow_that_is_named_and_away_ends_with_code_1_and_a_package(made: Made, out: Path) -> None:
    answer = tiny.call("package", "--run", made.run, "--output", out / "x.zip", "--tracking-uri", AWAY)
    assert answer.code == 1
    assert f"MLflow at {AWAY} did not register '{out / 'x.zip'}'" in answer.err
    assert "The package is whole" in answer.err
    assert tiny.call("verify", "--bundle", out / "x.zip").code == 0


def test_an_mlflow_of_the_training_that_is_away_is_a_warning(made: Made, tmp_path: Path, out: Path) -> None:
    request = record_of(made.run)["request"] | {"tracking_uri": AWAY}
    run = copied(made.run, tmp_path, request=request)
    answer = tiny.call("package", "--run", run, "--output", out / "x.zip")
    assert answer.code == 0, answer.err
    assert f"medseg: warning: MLflow at {AWAY} did not register" in answer.err
    assert answer.last_line == str(out / "x.zip")


# Options


def test_a_folder_with_reviewed_limits_and_a_scan_that_may_be_given_away(
    made: Made, tiny_cohort: Path, tmp_path: Path, out: Path
) -> None:
    limits = made.read("validity.json")
    limits["spacing_mm"]["top"]["refuse"] = None
    (tmp_path / "validity.json").write_text(json.dumps(limits))
    (tmp_path / "terms.txt").write_text("CC BY 4.0\n")
    scan = tmp_path / "Doe_Jane.nii.gz"
    shutil.copy(sorted((tiny_cohort / "imagesTr").glob("*.nii.gz"))[0], scan)
    answer = packaged(
        made.run,
        out / f"{NAME}-2.0.0",
        *("--limits", tmp_path / "validity.json", "--golden", scan, "--golden-licence", "CC0-1.0", "--json"),
        *("--data-licence", tmp_path / "terms.txt", "--intended-use", "Trial 7 alone.", "--version", "2.0.0"),
    )
    assert answer.code == 0, answer.err
    assert json.loads(answer.last_line) == {"output": str(out / f"{NAME}-2.0.0")}
    assert "not signed: --sign KEY signs it" in answer.out
    assert "registered" not in answer.out
    folder = out / f"{NAME}-2.0.0"
    assert tiny.files_below(folder) == {name for name in LAYOUT if "gallery" not in name} - {"manifest.json.minisig"}
    assert json.loads((folder / "validity.json").read_text()) == limits
    golden = json.loads((folder / "golden" / "golden.json").read_text())
    assert (golden["licence"], golden["source"]) == ("CC0-1.0", "a scan that was given when it was packaged")
    assert not [path for path in folder.rglob("*") if path.is_file() and b"Doe_Jane" in path.read_bytes()]
    assert (folder / "docs" / "data_license.txt").read_text() == "CC BY 4.0\n"
    assert "Trial 7 alone." in (folder / "docs" / "README.md").read_text()
    assert json.loads((folder / "configs" / "metadata.json").read_text())["version"] == "2.0.0"
    assert tiny.call("verify", "--bundle", folder, "--golden").code == 0


def test_a_gallery_that_is_not_wanted_is_not_there(made: Made, out: Path) -> None:
    answer = packaged(made.run, out / "x.zip", "--evaluation", made.evaluation, "--no-gallery")
    assert answer.code == 0, answer.err
    with zipfile.ZipFile(out / "x.zip") as archive:
        assert not [name for name in archive.namelist() if name.endswith(".png")]
        assert ".png" not in archive.read(f"{NAME}/docs/README.md").decode()


def test_split_json_of_a_bundle_goes_along(made: Made, tmp_path: Path, out: Path, tiny_cohort: Path) -> None:
    """It says which studies its weights saw, and only whoever wrote it there can take it away."""
    bundle = Path(shutil.copytree(made.run / "bundle", tmp_path / "alone" / NAME))
    (bundle / "configs" / "split.json").write_text(json.dumps(record_of(made.run)["split"]))
    answer = packaged(bundle, out / "x.zip", "--data", tiny_cohort)
    assert answer.code == 0, answer.err
    with zipfile.ZipFile(out / "x.zip") as archive:
        assert f"{NAME}/configs/split.json" in archive.namelist()
        assert f"{NAME}/docs/recipe.yaml" not in archive.namelist()
