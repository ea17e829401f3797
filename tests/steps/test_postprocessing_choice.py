import dataclasses
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from medseg.bundle.postprocessing import fill_holes, keep_largest, remove_small_parts
from medseg.bundle.read import Bundle, read_bundle
from medseg.steps.postprocessing_choice import (
    FEWEST_PATIENTS,
    PostprocessingChoice,
    candidates_for,
    choose_postprocessing,
    write_postprocessing,
)
from medseg.steps.postprocessing_gain import judge
from medseg.steps.postprocessing_trials import LabelledMaps, LabelledStudy, Scores, cleaned, score, try_steps

AFFINE = np.diag([1.0, 1.0, 2.0, 1.0])
VALUES = {"anterior": (1,), "posterior": (2,)}
Spoil = Callable[[np.ndarray, int], None]


def _reference(number: int) -> np.ndarray:
    """Two blocks side by side, a little other in each study."""
    labels = np.zeros((16, 14, 10), np.uint8)
    labels[2 : 7 + number % 2, 3:9, 2:7] = 1
    labels[7 + number % 2 : 12, 3:9, 2:7] = 2
    return labels


def _studies(spoil: Spoil, count: int = 24, patients: int | None = None) -> list[LabelledStudy]:
    """Predictions that lack a layer of the reference, and have something too much."""

    def maps(number: int) -> LabelledMaps:
        prediction = _reference(number)
        prediction[:, 3, :] = 0
        spoil(prediction, number)
        return LabelledMaps(prediction, _reference(number), AFFINE)

    return [LabelledStudy(f"s{n}", f"p{n % (patients or count)}", lambda n=n: maps(n)) for n in range(count)]


def _island(labels: np.ndarray, number: int) -> None:
    labels[13:, 11:, 7:] = 1 + number % 2


def _clean(labels: np.ndarray, number: int) -> None:
    pass


@pytest.fixture(scope="module")
def choice(hippocampus: Bundle) -> PostprocessingChoice:
    """What is chosen where every prediction has an island."""
    return choose_postprocessing(_studies(_island), hippocampus)


# What is chosen


def test_islands_in_every_scan_are_found_and_removed(choice: PostprocessingChoice) -> None:
    assert 1 <= len(choice.kept) <= 2
    assert choice.after[1] < choice.before[1]
    assert choice.after[0] > choice.before[0]
    assert "largest part" in choice.note or "no part" in choice.note


def test_where_there_is_nothing_to_tidy_nothing_is_kept_and_every_trial_is_told(hippocampus: Bundle) -> None:
    studies = _studies(_clean)
    choice = choose_postprocessing(studies, hippocampus)
    assert choice.kept == ()
    assert {trial.verdict for trial in choice.trials} == {"changes nothing"}
    assert len(choice.trials) == len(candidates_for(studies, hippocampus))
    assert choice.before == choice.after
    assert "nothing: no step is better than chance" in choice.table()


def test_islands_in_two_scans_of_many_are_chance(hippocampus: Bundle) -> None:
    choice = choose_postprocessing(_studies(lambda a, n: _island(a, n) if n < 2 else None, 40), hippocampus)
    assert choice.kept == ()
    assert "within chance or margin" in {trial.verdict for trial in choice.trials}


def test_a_part_that_is_right_is_not_removed(hippocampus: Bundle) -> None:
    def reference_with_two_parts(number: int) -> LabelledMaps:
        both = _reference(number)
        both[14, 11:13, 7:9] = 2
        prediction = both.copy()
        prediction[:, 3, :] = 0
        return LabelledMaps(prediction, both, AFFINE)

    studies = [LabelledStudy(f"{n}", f"{n}", lambda n=n: reference_with_two_parts(n)) for n in range(24)]
    choice = choose_postprocessing(studies, hippocampus)
    assert choice.kept == ()
    assert "lowers Dice of posterior" in {trial.verdict for trial in choice.trials}


def test_patients_count_and_not_studies(hippocampus: Bundle) -> None:
    few = _studies(_island, 40, patients=FEWEST_PATIENTS - 1)
    choice = choose_postprocessing(few, hippocampus)
    assert choice.trials == ()
    assert (
        choice.note == f"Nothing is chosen on {FEWEST_PATIENTS - 1} patients; {FEWEST_PATIENTS} are needed to tell "
        "a gain from chance."
    )
    assert choice.record()["dice"] == {"before": None, "after": None}


def test_the_choice_does_not_depend_on_the_order_of_studies(choice: PostprocessingChoice, hippocampus: Bundle) -> None:
    back = choose_postprocessing(_studies(_island)[::-1], hippocampus)
    assert [one.step for one in choice.kept] == [one.step for one in back.kept]


def test_volumes_are_shares_of_a_small_patient_and_larger_than_a_voxel(hippocampus: Bundle) -> None:
    voxels_mm3 = 10 * 6 * 5 * 2.0
    words = [one.words for one in candidates_for(_studies(_clean), hippocampus)]
    volumes = [float(one.split()[-2]) for one in words if one.startswith("no part")]
    assert volumes == [voxels_mm3 * 0.01 - 1.0, voxels_mm3 * 0.05 - 1.0, voxels_mm3 * 0.2 - 1.0]


# What is written


def test_the_kept_steps_stand_in_the_bundle_with_their_gain(
    choice: PostprocessingChoice, hippocampus: Bundle, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(hippocampus.root, tmp_path / "b", ignore=shutil.ignore_patterns("models")))
    write_postprocessing(root, choice)
    transforms = read_bundle(root).inference["postprocessing"]["transforms"]
    assert transforms[-1 - len(choice.kept) : -1] == [one.step.config for one in choice.kept]
    first, text = choice.kept[0], (root / "configs" / "inference.yaml").read_text()
    assert f"# {first.step.words}: Dice {first.dice.mean:+.4f}, HD95 {first.hd95_mm.mean:+.2f} mm" in text
    assert "the 24 patients that chose it" in text


def test_where_nothing_is_kept_the_bundle_stays_as_it_is(hippocampus: Bundle, tmp_path: Path) -> None:
    root = Path(shutil.copytree(hippocampus.root, tmp_path / "b", ignore=shutil.ignore_patterns("models")))
    before = (root / "configs" / "inference.yaml").read_bytes()
    write_postprocessing(root, choose_postprocessing(_studies(_clean), hippocampus))
    assert (root / "configs" / "inference.yaml").read_bytes() == before


# How it is measured


def test_scores_are_those_of_the_evaluation(hippocampus: Bundle) -> None:
    from medseg.metrics.scores import score_maps
    from medseg.steps.postprocessing_trials import POLICY

    maps = _studies(_island)[0].read()
    found, whole = score(maps, VALUES), score_maps(maps.prediction, maps.reference, AFFINE, VALUES, POLICY)
    assert found.dice == pytest.approx({name: one.values["dice"] for name, one in whole.items()})
    assert found.hd95_mm == pytest.approx({name: one.values["hd95_mm"] for name, one in whole.items()})


@pytest.mark.parametrize("empty", ["prediction", "reference", "both"])
def test_empty_masks_score_as_the_policy_says(empty: str) -> None:
    maps = LabelledMaps(_reference(0), _reference(0), AFFINE)
    nothing = np.zeros_like(maps.reference)
    changes = {"prediction": {"prediction": nothing}, "reference": {"reference": nothing}}
    changes["both"] = changes["prediction"] | changes["reference"]
    found = score(dataclasses.replace(maps, **changes[empty]), VALUES)
    diagonal = float(np.linalg.norm([16.0, 14.0, 20.0]))
    expected = (1.0, 0.0) if empty == "both" else (0.0, diagonal)
    assert (found.dice["anterior"], found.hd95_mm["anterior"]) == pytest.approx(expected)


def test_a_single_slice_is_scored_in_its_plane() -> None:
    flat = LabelledMaps(_reference(0)[:, :, 4:5], _reference(1)[:, :, 4:5], AFFINE)
    found = score(flat, VALUES)
    assert found.dice["anterior"] == pytest.approx(2 * 30 / (30 + 36))
    assert found.hd95_mm["anterior"] == pytest.approx(1.0)


def test_tidying_a_box_around_the_labels_is_tidying_the_whole_map(hippocampus: Bundle) -> None:
    from monai.data import MetaTensor

    from medseg.bundle.build import build_steps

    noise = np.random.default_rng(0).random((20, 18, 16))
    labels = np.where(noise > 0.95, 1, np.where(noise > 0.9, 2, 0)).astype(np.uint8)
    labels[:4], labels[5:10, 5:10, 5:10], labels[7, 7, 7] = 0, 1, 0
    labels[:, :2], labels[17:], labels[:, :, 14:] = 0, 0, 0
    for step in (keep_largest("anterior", 1), fill_holes("anterior", 1), remove_small_parts(6.5)):
        chain = build_steps(hippocampus, [step.config])
        whole = chain({"pred": MetaTensor(labels[None].astype(np.float32), affine=AFFINE)})["pred"].numpy()[0]
        assert np.array_equal(cleaned(labels, AFFINE, chain), whole)
        assert not np.array_equal(whole, labels)


def test_several_processes_give_what_one_gives(hippocampus: Bundle) -> None:
    read = [study.read() for study in _studies(_island, 3)]
    studies = [
        LabelledStudy(f"s{n}", f"p{n}", partial(LabelledMaps, maps.prediction, maps.reference, maps.affine_ras))
        for n, maps in enumerate(read)
    ]
    first, second = keep_largest("anterior", 1), keep_largest("posterior", 2)
    trying, seen = partial(try_steps, studies, hippocampus, kept=[first], candidates=[second]), list[int]()
    one, two = (trying(workers=workers, advance=lambda: seen.append(1)) for workers in (1, 2))
    assert one == two
    assert len(one) == 3
    assert len(seen) == 6


def test_a_kept_step_gives_what_it_gave_as_a_candidate(hippocampus: Bundle) -> None:
    studies, step = _studies(_island, 3), keep_largest("anterior", 1)
    tried = try_steps(studies, hippocampus, kept=[], candidates=[step])
    kept = try_steps(studies, hippocampus, kept=[step], candidates=[])
    assert [trial.then[0] for trial in tried] == [trial.now for trial in kept]


def test_an_empty_map_stays_empty() -> None:
    assert cleaned(np.zeros((3, 3, 3), np.uint8), AFFINE, lambda _: None).sum() == 0


def test_a_gain_below_the_margin_is_not_kept_however_sure(hippocampus: Bundle) -> None:
    now = [Scores({"a": 0.9}, {"a": 2.0})] * 30
    then = [Scores({"a": 0.9005}, {"a": 1.99})] * 30
    patients = [str(n) for n in range(30)]
    said = judge(keep_largest("a", 1), now=now, then=then, round_number=1, scored=["a"], patients=patients, seed=0)
    assert (said.helps, said.verdict, said.better, said.worse) == (False, "within chance or margin", 30, 0)
