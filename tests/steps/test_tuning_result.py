"""What a search says of its trials: the best, its gain patient by patient, and how sure one may be."""

from pathlib import Path

import pytest

from medseg.core.errors import FileError
from medseg.runs.folder import RunFolder
from medseg.steps.tuning_result import Found, found_in
from medseg.steps.tuning_trial import Trial, mean_of, read_scores

KEY = "optimizer.lr"
PATIENTS = {f"s{n}": f"p{n}" for n in range(8)}


def trial(root: Path, number: int, dice: list[float]) -> Trial:
    """A trial with one label, one study a patient, and its validation.csv."""
    done = Trial(number, {KEY: 0.001 * (number + 1)}, "finished", sum(dice) / len(dice), 60.0)
    (root / done.name).mkdir()
    rows = [f"s{n},{value}" for n, value in enumerate(dice)]
    (root / done.name / "validation.csv").write_text("\n".join(["study,core", *rows]) + "\n")
    return done


def found(root: Path, *trials: Trial, baseline: bool = True) -> Found:
    return found_in(root, trials, baseline=baseline, patients=PATIENTS, seed=0)


def test_a_gain_is_taken_patient_by_patient(tmp_path: Path) -> None:
    own = trial(tmp_path, 0, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    better = trial(tmp_path, 1, [0.12, 0.22, 0.32, 0.42, 0.52, 0.62, 0.72, 0.84])
    result = found(tmp_path, own, better)
    assert result.best is better
    assert result.gain is not None
    assert result.gain.mean == pytest.approx(0.18 / 8)
    # Of unpaired patients, who differ by 0.7, no such gain could be told.
    assert result.gain.low > 0.019
    text = " ".join(result.sentences())
    assert "Best: trial 1, validation Dice 0.4725 (8 validation patients)." in text
    assert "by +0.0225, 95 % interval +0.0" in text
    assert "which does not hold 0 (8 patients)" in text
    assert "the best of 2 on these very patients" in text


def test_an_interval_that_holds_0_is_said_to(tmp_path: Path) -> None:
    own = trial(tmp_path, 0, [0.5] * 8)
    other = trial(tmp_path, 1, [0.9, 0.2, 0.8, 0.3, 0.7, 0.3, 0.6, 0.4])
    text = " ".join(found(tmp_path, own, other).sentences())
    assert "It holds 0: with 8 patients the two cannot be told apart." in text


def test_three_patients_are_too_few_for_an_interval(tmp_path: Path) -> None:
    trials = trial(tmp_path, 0, [0.5, 0.5, 0.5]), trial(tmp_path, 1, [0.6, 0.6, 0.6])
    text = " ".join(found(tmp_path, *trials).sentences())
    assert "by +0.1000; 3 patients are too few for an interval, so this may be chance." in text


def test_where_nothing_is_better_than_the_own_recipe_it_is_best(tmp_path: Path) -> None:
    result = found(tmp_path, trial(tmp_path, 0, [0.5] * 8), trial(tmp_path, 1, [0.5] * 8))
    assert result.best is result.baseline
    assert result.gain is None
    assert result.sentences()[-1] == "No trial was better than the bundle's own recipe."


def test_without_the_own_recipe_no_gain_is_claimed(tmp_path: Path) -> None:
    trials = trial(tmp_path, 0, [0.5] * 8), trial(tmp_path, 1, [0.6] * 8)
    result = found(tmp_path, *trials, baseline=False)
    assert result.best is trials[1]
    assert result.gain is None
    assert "by how much this is better is not known" in result.sentences()[-1]


def test_a_failed_trial_is_a_row_with_its_reason_and_never_the_best(tmp_path: Path) -> None:
    lost = Trial(1, {KEY: 9.0}, "failed", None, 2.0, "The loss became nan")
    result = found(tmp_path, trial(tmp_path, 0, [0.5] * 8), lost, trial(tmp_path, 2, [0.6] * 8))
    assert result.best is not None
    assert result.best.number == 2
    assert result.failures() == ["Trial 1 failed: The loss became nan"]
    assert [line.split()[:3] for line in result.table().splitlines()[2:]] == [
        ["0", "0.001", "0.5000"],
        ["1", "9.0", "failed"],
        ["2", "0.003", "0.6000"],
    ]
    result.write_csv(tmp_path / "trials.csv")
    lines = (tmp_path / "trials.csv").read_text().splitlines()
    assert lines[0] == f"trial,{KEY},dice,gain,gain_low,gain_high,seconds,outcome,reason"
    assert lines[2] == "1,9.0,,,,,2,failed,The loss became nan"


def test_where_all_failed_there_is_no_best(tmp_path: Path) -> None:
    result = found(tmp_path, Trial(0, {KEY: 9.0}, "failed", None, 2.0, "nan"))
    assert result.best is None
    assert result.sentences() == []


def test_scores_are_means_of_names_over_the_studies_that_have_them(tmp_path: Path) -> None:
    path = tmp_path / "validation.csv"
    path.write_text("study,core,rim\na,0.5,\nb,0.7,0.2\n")
    assert mean_of(read_scores(RunFolder(tmp_path))) == pytest.approx((0.6 + 0.2) / 2)
    path.write_text("study,core\na,half\n")
    with pytest.raises(FileError, match=r"validation\.csv"):
        read_scores(RunFolder(tmp_path))


def test_a_trial_survives_the_record() -> None:
    import json

    done = Trial(3, {"sampling.patch": (16, 24, 16), KEY: 0.1}, "finished", 0.5, 61.2)
    assert Trial.from_dict(json.loads(json.dumps(done.as_dict()))) == done
    assert done.name == "trial003"
