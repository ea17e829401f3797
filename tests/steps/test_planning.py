"""A plan is written whole or not at all, and the trial of it decides whether it fits the memory."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny

from medseg.core.errors import DatalistError, OutputError, TrainingError, UsageError
from medseg.steps.planning import PlanRequest, plan_bundle
from medseg.steps.planning_probe import LegSpeed, Probe

FOUND = Probe(
    device="cpu",
    precision="fp32",
    legs=(LegSpeed(1.0, 2, 2.0),),
    study_s=1.0,
    holdout_s=3.0,
    finish_s=10.0,
    peak_gib=1.2,
    prepared_gib=0.2,
    steps_gib=1.2,
)


class Trials:
    """Answers for processes that are not started: the peaks they find, one after the other; None for no memory."""

    def __init__(self, *peaks_gib: float | None, device: str = "cpu") -> None:
        self.peaks, self.kind, self.patches = list(peaks_gib), device, list[list[int]]()
        self.studies: list[str] = []
        self.legs, self.steps_gib = FOUND.legs, 0.0

    def __call__(self, device: str) -> Any:
        return self

    def __enter__(self) -> "Trials":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def device(self) -> str:
        return self.kind

    def run(self, bundle: Path, data: Path, *, studies: list[str]) -> Probe | None:
        text = (bundle / "configs" / "train.yaml").read_text()
        self.patches.append(json.loads(text.partition("patch: ")[2].partition("]")[0] + "]"))
        self.studies = list(studies)
        if not self.peaks:
            raise TrainingError("it broke")
        peak_gib = self.peaks.pop(0)
        if peak_gib is None:
            return None
        steps_gib = self.steps_gib or peak_gib
        return replace(FOUND, peak_gib=peak_gib, steps_gib=steps_gib, device=self.kind, legs=self.legs)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five small hippocampus phantoms; do not write into it."""
    return tiny.write_tiny_cohort(tmp_path_factory.mktemp("data") / "hippocampus", studies=5)


@pytest.fixture
def request_of(tmp_path: Path, cohort: Path) -> Callable[..., PlanRequest]:
    def make(**changes: Any) -> PlanRequest:
        plain = PlanRequest(
            data=cohort, name="planned", output=tmp_path / "bundles", network="auto", memory_gib=8.0,
            budget_min=None, device="auto", modality=None, cache=tmp_path / "cache",
        )  # fmt: skip
        return replace(plain, **changes)

    return make


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


def test_time_counts_steps_and_scorings(request_of: Callable[..., PlanRequest], said: list[str]) -> None:
    """5 patients: 1 is held out, 1 of the others validates. 14 of the 1200 seconds are kept for the end."""
    plan_bundle(request_of(budget_min=20.0), say=said.append, warn=silent, start=Trials(1.2))
    (line,) = [line for line in said if line.startswith("time")]
    steps = int(line.split()[2])
    assert 585 <= steps <= (1200 - 14) / 2
    assert "fit into 20 minutes" in line


def test_time_counts_both_parts_of_a_run_that_opens_with_smaller_patches(
    request_of: Callable[..., PlanRequest], said: list[str]
) -> None:
    """1186 seconds: 0.4 of them at 1 s a step, the others at 2 s; a few for scoring between."""
    trials = Trials(1.2)
    trials.legs = (LegSpeed(0.4, 4, 1.0), LegSpeed(0.6, 2, 2.0))
    plan_bundle(request_of(budget_min=20.0), say=said.append, warn=silent, start=trials)
    (line,) = [line for line in said if line.startswith("time")]
    assert 0.95 * (474 + 355) < int(line.split()[2]) <= 474 + 355
    assert any("a step takes 1.00 s and then 2.00 s" in line for line in said)


def test_time_without_a_budget_counts_epochs(request_of: Callable[..., PlanRequest], said: list[str]) -> None:
    trials = Trials(1.2)
    trials.legs = (LegSpeed(0.4, 4, 1.0), LegSpeed(0.6, 2, 2.0))
    place = plan_bundle(request_of(), say=said.append, warn=silent, start=trials)
    epochs = int((place / "configs" / "train.yaml").read_text().partition("epochs: ")[2].split()[0])
    (line,) = [line for line in said if line.startswith("time")]
    steps = int(line.partition(" epochs, ")[2].split()[0])
    assert f"for {epochs} epochs" in line
    assert 4400 < steps < 4700
    assert "2 h" in line  # 1100 steps of 1 s, 3400 of 2 s


def test_memory_counts_the_prepared_studies_of_the_training(
    request_of: Callable[..., PlanRequest], said: list[str]
) -> None:
    plan_bundle(request_of(), say=said.append, warn=silent, start=Trials(1.2))
    (line,) = [line for line in said if line.startswith("memory")]
    assert line.startswith(
        "memory    about 1.0 GB in a training"
    )  # 1.2 less 0.2 that the trial kept; phantoms are small
    assert line.endswith("within 8 GB")


def test_memory_counts_the_patients_that_a_small_set_holds_out(
    request_of: Callable[..., PlanRequest], said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three patients one is held out: of 3 GB prepared 2 GB are kept, beside the 1 GB that was tried."""
    monkeypatch.setattr("medseg.planning.plan.prepared_gib", lambda *_: 3.0)
    three = tiny.write_tiny_cohort(tmp_path / "three", studies=3)
    plan_bundle(request_of(data=three), say=said.append, warn=silent, start=Trials(1.2))
    assert any(line.startswith("memory    about 3.0 GB in a training") for line in said)


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
    trials.steps_gib = 2.0
    with pytest.raises(
        UsageError, match=r"segmenting the largest study, \d+ x \d+ x \d+, whatever the patch, takes 8\.4"
    ):
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


def test_the_largest_study_is_tried_first_and_then_one_of_median_size(
    request_of: Callable[..., PlanRequest], tmp_path: Path
) -> None:
    import nibabel
    import numpy as np

    sizes = {"a": 24, "b": 16, "c": 40, "d": 20, "e": 32, "f": 36}
    for number, (name, side) in enumerate(sizes.items()):
        image = np.random.default_rng(number).normal(100, 20, (side, 16, 16)).astype(np.float32)
        label = np.zeros(image.shape, np.uint8)
        label[4:8, 4:8, 4:8] = 1
        for folder, array in (("images", image), ("labels", label)):
            (tmp_path / "own" / folder).mkdir(parents=True, exist_ok=True)
            nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), tmp_path / "own" / folder / f"{name}.nii.gz")
    trials, warned = Trials(1.0), list[str]()
    plan_bundle(request_of(data=tmp_path / "own"), say=silent, warn=warned.append, start=trials)
    assert trials.studies == ["c", "e", "a", "b"]
    assert any("Give --modality" in line for line in warned)
