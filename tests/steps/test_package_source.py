import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import tiny
import yaml

from medseg.bundle.read import Bundle, read_bundle
from medseg.core.errors import BundleError, DatalistError, FileError
from medseg.steps.data import load_cohort
from medseg.steps.package_request import PackageRequest
from medseg.steps.package_source import Source, find_trained, open_source, recipe_text

SPLIT = {
    "train": ["phantom_000", "phantom_001"],
    "validation": ["phantom_002"],
    "chose_postprocessing": ["phantom_003"],
    "holdout": ["phantom_004"],
}
CONFIG = """# The recipe of this run; behind each value, where it came from.
seed: 5                                 # from --seed
length:
  epochs: 3                             # from /hospital/smith/site.yaml
optimizer:
  lr: 0.012                             # from /hospital/smith/train.yaml
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Small, with random weights, of no run; do not write into it."""
    return read_bundle(tiny.add_random_weights(tiny.write_tiny_bundle(tmp_path_factory.mktemp("b") / "hippo")))


@pytest.fixture(scope="module")
def digest(bundle: Bundle, planned_cohort: Path) -> str:
    return load_cohort(planned_cohort, bundle, cache=None).inspection.data_digest


@pytest.fixture
def run(tmp_path: Path, bundle: Bundle) -> Path:
    """A run's folder as a training leaves it."""
    root = tmp_path / "run"
    shutil.copytree(bundle.root, root / "bundle")
    (root / "run.json").write_text(json.dumps({"outcome": "finished", "seed": 5, "split": SPLIT}))
    (root / "config.yaml").write_text(CONFIG)
    return root


def opened(place: Path) -> Source:
    return open_source(PackageRequest(run=str(place), output=Path("x.zip")))


def source_of(bundle: Bundle, *, split: dict[str, Any] | None = None, **record: Any) -> Source:
    return Source(bundle, None, record, SPLIT if split is None else split)


# What is packaged


def test_a_run_brings_its_record_and_split(run: Path) -> None:
    source = opened(run)
    assert (source.run, source.record["seed"], source.split) == (run.resolve(), 5, SPLIT)
    assert source.bundle.root == (run / "bundle").resolve()


def test_the_bundle_of_a_run_is_its_run_s(run: Path) -> None:
    assert opened(run / "bundle") == opened(run)


def test_a_bundle_of_no_run_says_itself_what_it_saw(bundle: Bundle, tmp_path: Path) -> None:
    root = Path(shutil.copytree(bundle.root, tmp_path / "alone"))
    (root / "configs" / "split.json").write_text(json.dumps(SPLIT))
    source = opened(root)
    assert (source.run, source.record, source.split) == (None, {}, SPLIT)


def test_a_bundle_that_says_nothing_of_it_is_refused(bundle: Bundle) -> None:
    with pytest.raises(BundleError, match=r"Nothing says which studies .* write configs/split\.json"):
        opened(bundle.root)


def test_a_run_whose_record_tells_no_split_is_refused(run: Path) -> None:
    (run / "run.json").write_text("{}")
    with pytest.raises(BundleError, match="Nothing says which studies"):
        opened(run)


def test_a_model_without_weights_is_refused(run: Path) -> None:
    (run / "bundle" / "models" / "model.pt").unlink()
    with pytest.raises(BundleError, match=r"run' has no trained weights \(models/model\.pt\); package a run that is"):
        opened(run)


def test_a_cross_validation_names_its_models(run: Path, tmp_path: Path) -> None:
    folds = tmp_path / "folds"
    for n in range(2):
        shutil.copytree(run, folds / f"fold{n}")
    (folds / "run.json").write_text(json.dumps({"folds": [{"name": "fold0"}, {"name": "fold1"}]}))
    with pytest.raises(BundleError, match=r"a cross-validation and holds a model for each fold: .*fold0, .*fold1\."):
        opened(folds)


def test_a_damaged_record_is_refused(run: Path) -> None:
    (run / "run.json").write_text("{")
    with pytest.raises(FileError, match="not JSON"):
        opened(run)


# What it was trained on


def test_the_studies_that_were_seen_are_found_and_no_others(bundle: Bundle, planned_cohort: Path, digest: str) -> None:
    trained = find_trained(source_of(bundle, data=str(planned_cohort), data_digest=digest), None)
    assert [study.id for study in trained.studies] == [f"phantom_00{n}" for n in range(4)]
    assert (trained.patients, len(trained.cohort.dataset.studies)) == (4, 5)


def test_studies_of_one_patient_are_of_one_patient(bundle: Bundle, planned_cohort: Path) -> None:
    trained = find_trained(source_of(bundle), planned_cohort)
    one = [replace(study, patient="P1") for study in trained.studies]
    assert replace(trained, studies=one).patients == 1
    assert replace(trained, studies=[]).patients == 0


def test_a_place_that_is_given_wins_over_that_of_the_record(bundle: Bundle, planned_cohort: Path, digest: str) -> None:
    source = source_of(bundle, data="/gone", data_digest=digest)
    assert len(find_trained(source, planned_cohort).studies) == 4


def test_an_older_record_names_the_place_in_its_request(bundle: Bundle, planned_cohort: Path) -> None:
    assert len(find_trained(source_of(bundle, request={"data": str(planned_cohort)}), None).studies) == 4


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({}, "lie somewhere that no record names"),
        ({"data": None, "request": {"data": None}}, "lie somewhere that no record names"),
        ({"data": "/gone/far"}, "are no longer at '/gone/far'"),
    ],
)
def test_data_that_is_not_there_is_asked_for(bundle: Bundle, record: dict[str, Any], told: str) -> None:
    with pytest.raises(DatalistError, match=rf"The studies that 'hippo.*' was trained on {told}\. .* --data\."):
        find_trained(source_of(bundle, **record), None)


def test_data_that_was_changed_is_refused_with_both_digests(
    bundle: Bundle, planned_cohort: Path, digest: str, tmp_path: Path
) -> None:
    changed = Path(shutil.copytree(planned_cohort, tmp_path / "changed"))
    path = changed / "imagesTr" / "phantom_001.nii.gz"
    image = nibabel.load(path)
    values = np.asarray(image.dataobj)
    values[0, 0, 0] += 1
    nibabel.save(nibabel.Nifti1Image(values, image.affine), path)
    with pytest.raises(DatalistError, match=f"was changed since: its digest is .*record says {digest[:12]}…"):
        find_trained(source_of(bundle, data_digest=digest), changed)


def test_data_that_lacks_a_study_is_refused_with_its_name(bundle: Bundle, planned_cohort: Path) -> None:
    split = {**SPLIT, "train": ["phantom_000", "phantom_077", "phantom_099"]}
    with pytest.raises(DatalistError, match=r"lacks 2 of the studies .*: phantom_077"):
        find_trained(source_of(bundle, split=split), planned_cohort)


# The recipe


def test_the_recipe_keeps_values_and_no_names_of_files(run: Path) -> None:
    text = recipe_text(opened(run))
    assert text is not None
    assert yaml.safe_load(text) == yaml.safe_load(CONFIG)
    assert "hospital" not in text
    told = {line.split(":")[0].strip(): line.partition("# ")[2] for line in text.splitlines()[1:]}
    own = opened(run).bundle.train_values or {}
    assert own["optimizer.lr"] == 0.012
    assert own["length.epochs"] == 2
    assert (told["lr"], told["epochs"], told["seed"]) == ("as in configs/train.yaml", "of this run", "of this run")


def test_there_is_no_recipe_of_a_bundle_of_no_run_or_of_a_run_that_kept_none(run: Path, bundle: Bundle) -> None:
    assert recipe_text(source_of(bundle)) is None
    (run / "config.yaml").unlink()
    assert recipe_text(opened(run)) is None
