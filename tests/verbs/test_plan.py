"""`medseg plan` from the command line to a bundle that trains without an edit."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import plan_data
import pytest
import tiny
import tiny_pictures
import yaml
from plan_here import TrialHere, plan

from medseg.bundle.read import read_bundle
from medseg.steps import fingerprint_cache

ENOUGH = "64GB"  # the process of all tests holds more than a trial


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory, tiny_cohort: Path) -> tuple[Path, tiny.Answer]:
    """The bundle planned for eight small phantoms, and what was said; do not write into it."""
    words = ("--data", tiny_cohort, "--name", "planned", "--memory", ENOUGH)
    answer = plan(*words, "--output", tmp_path_factory.mktemp("bundles"), start=TrialHere)
    assert answer.code == 0, answer.err
    return Path(answer.last_line), answer


def test_the_last_line_is_the_new_bundle(planned: tuple[Path, tiny.Answer]) -> None:
    bundle, answer = planned
    assert bundle.name == "planned"
    assert tiny.files_below(bundle) == {
        *("LICENSE", "docs/README.md", "docs/data_license.txt"),
        *(f"configs/{name}" for name in ("metadata.json", "inference.yaml", "train.yaml", "evaluate.yaml")),
        "configs/fingerprint.json",
    }
    assert [path.name for path in bundle.parent.iterdir()] == ["planned"]
    assert "studies   8, of 8 patients" in answer.out
    assert re.search(r"tried     on cpu in \w+: a step takes \d+\.\d\d s.*, a study \d+\.\d s", answer.out)


def test_every_value_of_the_recipe_stands_beside_its_reason(planned: tuple[Path, tiny.Answer]) -> None:
    text = (planned[0] / "configs" / "train.yaml").read_text()
    bare = [
        line
        for line in text.splitlines()
        if line and not line.startswith("#") and not re.fullmatch(r"\w+:|.*\S\s+# \S.*", line)
    ]
    assert not bare


def test_no_axis_is_mirrored_along_which_labels_follow_each_other(planned: tuple[Path, tiny.Answer]) -> None:
    """Phantoms have their head in front of their tail, as patients have."""
    recipe = yaml.safe_load((planned[0] / "configs" / "train.yaml").read_text())
    assert 1 not in recipe["augmentation"]["flip_axes"]


def test_check_finds_no_fault_in_a_planned_bundle(planned: tuple[Path, tiny.Answer], tiny_cohort: Path) -> None:
    answer = tiny.call("check", "--bundle", planned[0], "--data", tiny_cohort, "--network")
    assert answer.code == 0, answer.err + answer.out


def test_the_same_data_gives_the_same_bytes_without_being_measured_again(
    planned: tuple[Path, tiny.Answer],
    tiny_cohort: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fingerprint_cache, "_measure", lambda study: pytest.fail("measured again"))
    answer = plan("--data", tiny_cohort, "--name", "planned", "--memory", ENOUGH, "--output", tmp_path)
    assert answer.code == 0, answer.err
    for name in sorted(tiny.files_below(planned[0])):
        assert (tmp_path / "planned" / name).read_bytes() == (planned[0] / name).read_bytes(), name


@pytest.mark.slow
def test_a_planned_bundle_trains_and_segments_without_an_edit(
    planned: tuple[Path, tiny.Answer], tiny_cohort: Path, tmp_path: Path
) -> None:
    data = ("--data", tiny_cohort, "--output", tmp_path, "--device", "cpu")
    answer = tiny.call("train", "--bundle", planned[0], *data, "--dry-run")
    assert answer.code == 0, answer.err
    few = ("--epochs", 1, "--set", "sampling.patches_per_study=1", "--set", "sampling.patch=[16, 16, 16]")
    answer = tiny.call("train", "--bundle", planned[0], *data, *few, "--name", "a", "--workers", 0, "--no-tracking")
    assert answer.code == 0, answer.err
    run = tmp_path / "planned" / "a"
    image = tiny_cohort / "imagesTr" / "phantom_000.nii.gz"
    answer = tiny.call("infer", "--bundle", run, "--input", image, "--output", tmp_path / "out", "--device", "cpu")
    assert answer.code == 0, answer.err
    assert nibabel.load(tmp_path / "out" / "phantom_000.nii.gz").shape == nibabel.load(image).shape


def test_thick_slices_get_kernels_that_wait_for_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        for place, array in (
            (plan_data.image_path(tmp_path, number), plan_data.image_of(number, (40, 40, 10))),
            (plan_data.label_path(tmp_path, number), plan_data.label_of((40, 40, 10))),
        ):
            plan_data.save(place, array, np.diag([0.5, 0.5, 4.0, 1.0]))
    answer = plan("--data", tmp_path, "--name", "thick", "--modality", "MR", "--memory", ENOUGH, "--output", tmp_path)
    assert answer.code == 0, answer.err
    network = read_bundle(tmp_path / "thick").inference["network_def"]
    assert network["kernel_size"][0] == [3, 3, 1]
    assert network["kernel_size"][-1] == 3


def test_pictures_get_a_network_in_2d(tmp_path: Path) -> None:
    discs = tiny_pictures.write_discs(tmp_path / "discs")
    words = ("--modality", "microscopy", "--memory", ENOUGH, "--output", tmp_path)
    answer = plan("--data", discs, "--name", "discs2d", *words)
    assert answer.code == 0, answer.err
    bundle = read_bundle(tmp_path / "discs2d")
    assert bundle.takes_pictures
    assert bundle.labels.instances
    assert bundle.inference["network_def"]["spatial_dims"] == 2
    recipe = yaml.safe_load((tmp_path / "discs2d" / "configs" / "train.yaml").read_text())
    assert recipe["sampling"]["patch"][2] == 1
    assert recipe["augmentation"]["flip_axes"] == [0, 1]


def test_histology_is_a_microscope_without_sides(tmp_path: Path) -> None:
    discs = tiny_pictures.write_discs(tmp_path / "discs")
    words = ("--modality", "histology", "--memory", ENOUGH, "--output", tmp_path)
    answer = plan("--data", discs, "--name", "slides", *words)
    assert answer.code == 0, answer.err
    recipe = yaml.safe_load((tmp_path / "slides" / "configs" / "train.yaml").read_text())
    assert recipe["augmentation"]["rotation"]["range"] == [-180.0, 180.0]


def test_brain_tumours_are_scored_in_regions(phantom_brats: Path, tmp_path: Path) -> None:
    answer = plan("--data", phantom_brats, "--name", "tumours", "--memory", ENOUGH, "--output", tmp_path)
    assert answer.code == 0, answer.err
    bundle = read_bundle(tmp_path / "tumours")
    assert [channel.name for channel in bundle.channels] == ["t1", "t1c", "t2", "flair"]
    assert [(label.name, label.value) for label in bundle.labels.labels] == [("NCR", 1), ("ED", 2), ("ET", 4)]
    assert set(bundle.labels.regions) == {"WT", "TC", "ET"}


def test_the_budget_and_the_network_are_those_asked_for(tmp_path: Path, tiny_cohort: Path) -> None:
    words = ("--network", "segresnet", "--budget", "20m", "--memory", ENOUGH, "--output", tmp_path)
    answer = plan("--data", tiny_cohort, "--name", "asked", *words)
    assert answer.code == 0, answer.err
    bundle = read_bundle(tmp_path / "asked")
    assert bundle.inference["network_def"]["_target_"].endswith("SegResNet")
    assert yaml.safe_load((tmp_path / "asked" / "configs" / "train.yaml").read_text())["length"]["budget_min"] == 20.0
    assert "fit into 20 minutes" in answer.out


def test_too_little_memory_is_refused_with_what_is_enough(tmp_path: Path, tiny_cohort: Path) -> None:
    answer = plan("--data", tiny_cohort, "--name", "small", "--memory", "300MB", "--output", tmp_path)
    assert answer.code == 2
    assert re.search(
        r"--memory 0\.29GB is too little for any patch: one of .* needs .* Give --memory \d\.\dGB", answer.err
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--name", "a/b"), 2, "--name"),
        (("--memory", "much"), 2, "'much' is no size; write 8GB or 900MB"),
        (("--memory", "0GB"), 2, "'0GB' is no size"),
        (("--network", "vnet"), 2, "vnet"),
        (("--modality", "M R"), 2, "--modality 'M R' is no word"),
        (("--data", "no/such/folder"), 1, "No data 'no/such/folder'"),
    ],
)
def test_options_that_cannot_be_used_are_refused(
    words: tuple[str, str], code: int, says: str, tmp_path: Path, tiny_cohort: Path
) -> None:
    plain = {"--data": tiny_cohort, "--name": "planned", "--output": tmp_path}
    given = [word for pair in ({**plain, words[0]: words[1]}).items() for word in pair]
    answer = tiny.call("plan", *given)
    assert answer.code == code
    assert says in answer.err
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_trial_in_a_process_of_its_own_says_memory_and_time(tmp_path: Path, tiny_cohort: Path) -> None:
    answer = tiny.call("plan", "--data", tiny_cohort, "--name", "own", "--device", "cpu", "--output", tmp_path)
    assert answer.code == 0, answer.err
    found = re.search(r"memory    about (\d+\.\d) GB in a training \(formula: (\d+\.\d)\)", answer.out)
    assert found is not None
    assert 0.3 < float(found[1]) < 2.0  # the programs and hardly any data
    answer = tiny.call("plan", "--data", tiny_cohort, "--name", "gpu", "--device", "cuda:77", "--output", tmp_path)
    assert (answer.code, "--device cuda:77: this machine has" in answer.err) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["own"]


@pytest.mark.slow
def test_stock_monai_gives_the_label_maps_of_medseg_for_a_planned_bundle(
    planned: tuple[Path, tiny.Answer], tiny_cohort: Path, tmp_path: Path, stock: Callable[..., dict[str, Path]]
) -> None:
    bundle = tiny.add_random_weights(Path(shutil.copytree(planned[0], tmp_path / "planned")))
    scans = tmp_path / "scans"
    scans.mkdir()
    shutil.copy(tiny_cohort / "imagesTr" / "phantom_000.nii.gz", scans)
    maps = stock(bundle, scans, tmp_path / "stock")
    words = ("--bundle", bundle, "--input", scans, "--output", tmp_path / "ours", "--device", "cpu", "--exact")
    answer = tiny.call("infer", *words)
    assert answer.code == 0, answer.err
    ours = np.asarray(nibabel.load(tmp_path / "ours" / "phantom_000.nii.gz").dataobj)
    theirs = np.asarray(nibabel.load(maps["phantom_000"]).dataobj)
    assert len(np.unique(ours)) > 1
    assert np.array_equal(ours, theirs)
