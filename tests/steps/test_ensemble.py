"""Which bundles a user's words stand for, what they are called together, and along which axes they may be mirrored."""

import json
import shutil
from pathlib import Path

import pytest
import tiny

from medseg.bundle.read import Bundle, read_bundle
from medseg.core.errors import BundleError, FileError, UsageError
from medseg.core.files import write_json
from medseg.steps.ensemble import Ensemble, axes_of, check_trained, read_ensemble


def _bundle(folder: Path, weights: str = "") -> Path:
    """The tiny bundle; what stands for its weights makes it another model."""
    root = tiny.write_tiny_bundle(folder)
    if weights:
        (root / "models").mkdir()
        (root / "models" / "model.pt").write_text(weights)
    return root


def _run(folder: Path, weights: str, **record: object) -> Path:
    _bundle(folder / "bundle", weights)
    write_json(folder / "run.json", {"outcome": "finished", "split": {"train": ["a"]}, **record})
    return folder


def _cross_validation(folder: Path, *outcomes: str) -> Path:
    for n, outcome in enumerate(outcomes):
        _run(folder / f"fold{n}", str(n), outcome=outcome)
    write_json(folder / "run.json", {"folds": [{"name": f"fold{n}"} for n in range(len(outcomes))]})
    return folder


def _flips(root: Path, axes: list[int]) -> None:
    tiny.edit_yaml(root / "configs" / "train.yaml", lambda values: values["augmentation"].update(flip_axes=axes))


# Which they are


def test_one_bundle_is_itself(tmp_path: Path) -> None:
    root = _bundle(tmp_path / "one", "w")
    model = read_ensemble([str(root)])
    bundle = read_bundle(root)
    assert model.is_plain
    assert (model.name, model.version, model.digest) == (bundle.name, bundle.version, bundle.digest)
    assert model.parts == ()
    assert model.runs == (None,)


def test_the_order_in_which_bundles_are_given_changes_nothing(tmp_path: Path) -> None:
    roots = [str(_bundle(tmp_path / name, name)) for name in "abc"]
    there, back = read_ensemble(roots), read_ensemble(roots[::-1])
    assert there.digest == back.digest
    assert there.members == back.members
    assert list(there.digests) == sorted(there.digests)


def test_several_have_a_digest_a_name_and_parts_of_their_own(tmp_path: Path) -> None:
    roots = [str(_bundle(tmp_path / name, name)) for name in "abc"]
    model = read_ensemble(roots)
    assert not model.is_plain
    assert model.name == "3 x hippocampus_unet3d"
    assert model.digest not in model.digests
    assert model.digest != read_ensemble(roots[:2]).digest
    version = model.bundle.version
    assert model.parts == tuple(
        (f"member {n}", f"hippocampus_unet3d {version} sha256 {digest}") for n, digest in enumerate(model.digests, 1)
    )
    told = model.record()
    assert [one["digest"] for one in told["members"]] == list(model.digests)
    assert json.dumps(told)


def test_a_long_name_is_cut_to_what_dicom_takes(hippocampus: Bundle, brats: Bundle) -> None:
    assert Ensemble((hippocampus, brats)).name == "brats_unet3d + hippocampus_unet3d"
    assert len(Ensemble((hippocampus, brats, hippocampus, hippocampus)).name) <= 48


def test_a_cross_validation_stands_for_the_runs_of_its_folds(tmp_path: Path) -> None:
    root = _cross_validation(tmp_path / "cv", "finished", "stopped", "finished")
    model = read_ensemble([str(root)])
    assert {run.name for run in model.runs if run} == {"fold0", "fold1", "fold2"}
    assert model.digest == read_ensemble([str(root / f"fold{n}") for n in (2, 0, 1)]).digest
    pairs = zip(model.members, model.runs, strict=True)
    assert all(run is not None and member.root == run / "bundle" for member, run in pairs)


def test_folds_of_one_cross_validation_may_be_alike(tmp_path: Path) -> None:
    root = _cross_validation(tmp_path / "cv", "finished", "finished")
    (root / "fold1" / "bundle" / "models" / "model.pt").write_text("0")
    model = read_ensemble([str(root)])
    assert len(model.members) == 2
    assert len(set(model.digests)) == 1


def test_a_cross_validation_that_is_not_finished_says_how_to_go_on(tmp_path: Path) -> None:
    root = _cross_validation(tmp_path / "cv", "finished", "interrupted")
    with pytest.raises(FileError, match=r"fold1 is not trained to the end\. Go on with it"):
        read_ensemble([str(root)])


def test_one_model_twice_is_refused_by_its_words_and_by_its_files(tmp_path: Path) -> None:
    root = _bundle(tmp_path / "a", "w")
    copy = shutil.copytree(root, tmp_path / "b")
    with pytest.raises(UsageError, match="is given twice"):
        read_ensemble([str(root), str(root)])
    with pytest.raises(UsageError, match=r"a' and '.*b' are the same model; it would count twice"):
        read_ensemble([str(root), str(copy)])


def test_bundles_that_differ_are_refused_with_everything_in_which_they_do(tmp_path: Path) -> None:
    roots = [str(_bundle(tmp_path / "a", "a")), str(tiny.write_tiny_bundle(tmp_path / "b", "brats_unet3d"))]
    with pytest.raises(BundleError) as error:
        read_ensemble(roots)
    said = str(error.value)
    assert said.startswith("These bundles cannot be averaged: ")
    for what in ("channels", "labels", "regions", "preprocessing"):
        assert f"{what}: " in said


def test_a_member_without_weights_is_named(tmp_path: Path) -> None:
    model = read_ensemble([str(_bundle(tmp_path / "a", "a")), str(_bundle(tmp_path / "b"))])
    with pytest.raises(BundleError, match=r"in \S*b has no trained weights"):
        check_trained(model)


# Along which axes


def test_mirrored_are_the_axes_that_the_recipe_mirrors(tmp_path: Path) -> None:
    root = _bundle(tmp_path / "a", "a")
    _flips(root, [0, 2])
    model = read_ensemble([str(root)], tta=True)
    assert model.flip_axes == (0, 2)
    assert not model.is_plain
    assert model.digest != read_ensemble([str(root)]).digest
    assert model.parts == (("mirrored axes", "0 and 2 of the preprocessed volume"),)


def test_a_recipe_that_mirrors_nothing_refuses(tmp_path: Path) -> None:
    root = _bundle(tmp_path / "a", "a")
    _flips(root, [])
    with pytest.raises(UsageError, match=r"allows no axis to be mirrored .*Leave --tta out"):
        read_ensemble([str(root)], tta=True)


def test_a_bundle_without_a_recipe_refuses(tmp_path: Path) -> None:
    root = _bundle(tmp_path / "a", "a")
    (root / "configs" / "train.yaml").unlink()
    with pytest.raises(UsageError, match="allows no axis to be mirrored"):
        read_ensemble([str(root)], tta=True)


def test_a_run_that_was_trained_without_mirroring_is_not_mirrored(tmp_path: Path) -> None:
    run = _run(tmp_path / "run", "w")
    bundle = read_bundle(run / "bundle")
    assert axes_of(bundle, run) == axes_of(bundle, None) == {0}
    (run / "config.yaml").write_text("augmentation: {flip_axes: []}\n")
    assert axes_of(bundle, run) == frozenset()
    (run / "config.yaml").write_text("augmentation: {flip_axes: [0, 1]}\n")
    assert axes_of(bundle, run) == {0}  # what the bundle does not allow is not mirrored either


def test_several_are_mirrored_along_the_axes_they_share(tmp_path: Path) -> None:
    roots = [_bundle(tmp_path / name, name) for name in "ab"]
    for root, axes in zip(roots, ([0, 1], [1, 2]), strict=True):
        _flips(root, axes)
    given = [str(root) for root in roots]
    assert read_ensemble(given, tta=True).flip_axes == (1,)
    _flips(roots[1], [2])
    with pytest.raises(UsageError, match="none in common"):
        read_ensemble(given, tta=True)
