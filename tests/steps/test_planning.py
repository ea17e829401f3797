"""A plan is written whole or not at all, and the trial of it decides whether it fits the memory."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from trials import Trials

from medseg.core.errors import DatalistError, OutputError, TrainingError, UsageError
from medseg.steps.planning import PlanRequest, plan_bundle


def silent(_: str) -> None:
    pass


def test_a_plan_that_fits_is_written_after_it_was_tried(
    request_of: Callable[..., PlanRequest], said: list[str]
) -> None:
    trials, warned = Trials(1.2), list[str]()
    place = plan_bundle(request_of(), say=said.append, warn=warned.append, start=trials)
    assert (place / "configs" / "train.yaml").is_file()
    assert [path.name for path in place.parent.iterdir()] == ["planned"]
    assert len(trials.patches) == 1
    text = "\n".join(said)
    assert "studies   5, of 5 patients" in text
    assert "tried     on cpu in fp32: a step takes 2.00 s, a study 1.0 s" in text
    assert not warned


def test_a_plan_that_takes_too_much_is_made_smaller(request_of: Callable[..., PlanRequest], said: list[str]) -> None:
    trials = Trials(9.0, 8.5, 7.0)
    place = plan_bundle(request_of(), say=said.append, warn=silent, start=trials)
    assert len(trials.patches) == 3
    assert f"patch: {trials.patches[-1]}" in (place / "configs" / "train.yaml").read_text()
    assert sum(line.startswith("smaller") for line in said) == 2


def test_a_memory_that_is_never_kept_is_refused_with_what_is_enough(
    request_of: Callable[..., PlanRequest], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"takes 8\.4 GB when it is tried\. Give --memory 8\.5GB or more"):
        plan_bundle(request_of(), say=silent, warn=silent, start=(trials := Trials(*[8.41] * 9)))
    assert trials.patches[-1] == [16, 16, 16]
    assert not list((tmp_path / "bundles").iterdir())


def test_the_smallest_patch_is_tried_before_a_memory_is_refused(request_of: Callable[..., PlanRequest]) -> None:
    trials = Trials(*[8.41] * 9)
    with pytest.raises(UsageError, match="the smallest patch"):
        plan_bundle(request_of(), say=silent, warn=silent, start=trials)
    last = Trials(*[8.41] * (len(trials.patches) - 1), 7.0)
    plan_bundle(request_of(), say=silent, warn=silent, start=last)
    assert last.patches == trials.patches


def test_a_study_that_takes_more_than_any_step_is_refused_at_once(
    request_of: Callable[..., PlanRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medseg.planning.memory.Demand.study_decides", True)
    trials = Trials(8.41)
    trials.found = replace(trials.found, steps_gib=2.0)
    with pytest.raises(
        UsageError, match=r"segmenting the largest study, \d+ x \d+ x \d+, whatever the patch, takes 8\.4"
    ):
        plan_bundle(request_of(), say=silent, warn=silent, start=trials)
    assert len(trials.patches) == 1


def test_preparing_that_takes_more_than_any_step_is_refused_at_once(request_of: Callable[..., PlanRequest]) -> None:
    trials = Trials(8.41)
    trials.found = replace(trials.found, preparing_gib=8.5)
    with pytest.raises(UsageError, match=r"preparing \d+ studies at a time, whatever the patch, takes 8\.4 GB"):
        plan_bundle(request_of(), say=silent, warn=silent, start=trials)
    assert len(trials.patches) == 1


def test_studies_that_a_trial_keeps_are_no_memory_that_a_smaller_patch_would_save(
    request_of: Callable[..., PlanRequest],
) -> None:
    trials = Trials(7.9)
    trials.found = replace(trials.found, prepared_gib=4.0, preparing_gib=11.0)
    plan_bundle(request_of(), say=silent, warn=silent, start=trials)
    assert len(trials.patches) == 1


def test_a_patch_on_which_memory_runs_out_is_made_smaller(
    request_of: Callable[..., PlanRequest], said: list[str]
) -> None:
    trials = Trials(None, 7.0)
    place = plan_bundle(request_of(), say=said.append, warn=silent, start=trials)
    assert f"patch: {trials.patches[1]}" in (place / "configs" / "train.yaml").read_text()
    assert any(line.startswith("smaller") and "memory ran out before, when tried" in line for line in said)


def test_memory_that_runs_out_on_every_patch_is_told(request_of: Callable[..., PlanRequest], tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"memory runs out when the smallest patch, .*, is tried\. Close what else holds memory"
    ):
        plan_bundle(request_of(), say=silent, warn=silent, start=Trials(*[None] * 9))
    assert not list((tmp_path / "bundles").iterdir())


def test_a_large_memory_that_is_refused_is_said_in_digits(request_of: Callable[..., PlanRequest]) -> None:
    with pytest.raises(UsageError, match=r"--memory 128GB: .* takes 140\.3 GB .* Give --memory 140\.4GB or more"):
        plan_bundle(request_of(memory_gib=128.0), say=silent, warn=silent, start=Trials(*[140.33] * 9))


def test_a_trial_that_breaks_leaves_nothing(request_of: Callable[..., PlanRequest], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="it broke"):
        plan_bundle(request_of(), say=silent, warn=silent, start=Trials())
    assert not list((tmp_path / "bundles").iterdir())


def test_data_with_faults_is_refused_before_anything_is_written(
    request_of: Callable[..., PlanRequest], tmp_path: Path
) -> None:
    (tmp_path / "images").mkdir()
    with pytest.raises(DatalistError):
        plan_bundle(request_of(data=tmp_path / "images"), say=silent, warn=silent, start=Trials(1.0))
    assert not (tmp_path / "bundles").exists()


def test_a_bundle_that_exists_is_left_alone(request_of: Callable[..., PlanRequest], tmp_path: Path) -> None:
    (tmp_path / "bundles" / "planned").mkdir(parents=True)
    with pytest.raises(OutputError, match="exists; give another --name"):
        plan_bundle(request_of(), say=silent, warn=silent, start=Trials(1.0))


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test fails where data is measured."""
    monkeypatch.setattr("medseg.steps.planning.take_fingerprint", lambda *_, **__: pytest.fail("measured"))


@pytest.mark.usefixtures("unmeasured")
def test_a_device_that_is_not_there_is_told_before_the_data_is_measured(
    request_of: Callable[..., PlanRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(_: Trials) -> str:
        raise UsageError("this machine has cpu")

    monkeypatch.setattr(Trials, "device", absent)
    with pytest.raises(UsageError, match="this machine has cpu"):
        plan_bundle(request_of(device="cuda:77"), say=silent, warn=silent, start=Trials())


@pytest.mark.usefixtures("unmeasured")
def test_a_place_that_cannot_be_written_is_named_before_the_data_is_measured(
    request_of: Callable[..., PlanRequest], tmp_path: Path
) -> None:
    (tmp_path / "bundles").write_text("a file")
    for output in (tmp_path / "bundles", tmp_path / "bundles" / "below"):
        with pytest.raises(OutputError, match="Choose another --output"):
            plan_bundle(request_of(output=output), say=silent, warn=silent, start=Trials(1.0))


def write_plain_set(root: Path, sides: dict[str, int], spacing_mm: dict[str, float]) -> Path:
    """Noise of SIDE x 16 x 16 voxels by name, a labelled cube in each; voxels of 1 mm unless told otherwise."""
    for number, (name, side) in enumerate(sides.items()):
        image = np.random.default_rng(number).normal(100, 20, (side, 16, 16)).astype(np.float32)
        label = np.zeros(image.shape, np.uint8)
        label[4:8, 4:8, 4:8] = 1
        affine = np.diag([spacing_mm.get(name, 1.0)] * 3 + [1.0])
        for folder, array in (("images", image), ("labels", label)):
            (root / folder).mkdir(parents=True, exist_ok=True)
            nibabel.save(nibabel.Nifti1Image(array, affine), root / folder / f"{name}.nii.gz")
    return root


@pytest.mark.parametrize(
    ("spacing_mm", "tried"),
    [
        ({}, ["c", "e", "a", "b"]),
        ({"b": 2.0}, ["b", "f", "a", "c"]),  # 16 x 16 x 16 voxels, 31 x 31 x 31 when prepared
        ({"c": 0.5}, ["c", "e", "a", "b"]),  # the largest as it is stored
    ],
)
def test_the_largest_study_is_tried_first_and_then_one_of_median_size(
    request_of: Callable[..., PlanRequest],
    tmp_path: Path,
    spacing_mm: dict[str, float],
    tried: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("medseg.steps.planning.studies_at_once", lambda: 2)
    sides = {"a": 24, "b": 16, "c": 40, "d": 20, "e": 32, "f": 36}
    data = write_plain_set(tmp_path / "own", sides, spacing_mm)
    trials, warned = Trials(1.0), list[str]()
    plan_bundle(request_of(data=data), say=silent, warn=warned.append, start=trials)
    assert trials.studies == tried
    assert any("Give --modality" in line for line in warned)


def test_as_many_studies_are_tried_as_a_training_prepares_at_a_time(
    request_of: Callable[..., PlanRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medseg.steps.planning.studies_at_once", lambda: 5)
    plan_bundle(request_of(), say=silent, warn=silent, start=(trials := Trials(1.0)))
    assert len(trials.studies) == 5
