from pathlib import Path

import pytest

from medseg.bundle.packaged_metadata import results_of_holdout
from medseg.bundle.read import Bundle
from medseg.core.errors import BundleError
from medseg.steps.package_evidence import Evidence, collect_evidence
from tests.steps.package_examples import every_word, write_map, write_run


def test_a_run_tells_its_training_in_numbers(hippocampus: Bundle, tmp_path: Path) -> None:
    told = collect_evidence(hippocampus, write_run(tmp_path / "run"), None).training
    assert told is not None
    assert [(part.name, part.studies, part.patients) for part in told.parts] == [
        ("train", 3, None), ("validation", 1, None), ("holdout", 2, None)
    ]  # fmt: skip
    assert (told.data, told.fold, told.folds, told.seed) == ("Task04_Hippocampus", "0", 5, 7)
    assert (told.epochs, told.steps, told.weights_epoch, told.seconds) == (445, 4447, 50, 660.0)
    assert (told.device, told.precision, told.outcome) == ("cuda:0", "bf16", "finished")
    assert told.started == "2031-05-01T12:00:00Z"


def test_no_path_of_a_disk_and_no_study_is_told(hippocampus: Bundle, tmp_path: Path) -> None:
    words = every_word(collect_evidence(hippocampus, write_run(tmp_path / "run"), None))
    assert "/hospital" not in words
    assert str(tmp_path) not in words


def test_patients_are_counted_where_the_data_is_at_hand(hippocampus: Bundle, tmp_path: Path) -> None:
    for study in ("hippocampus_001", "hippocampus_002", "hippocampus_003"):
        write_map(tmp_path / "data" / f"{study}.nii.gz", 0)
    split = {"train": ["hippocampus_001", "hippocampus_002"], "validation": ["gone"], "holdout": [], "fold": "all"}
    told = collect_evidence(hippocampus, write_run(tmp_path / "run", split=split), None, data=tmp_path / "data")
    assert told.training is not None
    assert [(part.studies, part.patients) for part in told.training.parts] == [(2, 2), (1, None)]


@pytest.mark.parametrize("outcome", ["running", "interrupted", "failed"])
def test_a_run_that_did_not_end_well_is_refused_with_what_to_do(
    outcome: str, hippocampus: Bundle, tmp_path: Path
) -> None:
    run = write_run(tmp_path / "run", outcome=outcome, reason="disk full")
    with pytest.raises(BundleError, match=rf"{outcome}.*disk full.*--resume"):
        collect_evidence(hippocampus, run, None)


def test_a_run_of_another_bundle_is_refused(hippocampus: Bundle, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", bundle={"name": "brats_unet3d", "digest": "ab"})
    with pytest.raises(BundleError, match=r"'brats_unet3d'.*'hippocampus_unet3d'"):
        collect_evidence(hippocampus, run, None)


def test_a_shipped_bundle_tells_the_split_of_its_weights(hippocampus: Bundle) -> None:
    told = collect_evidence(hippocampus, None, None)
    assert told.training is not None
    assert {part.name: part.studies for part in told.training.parts} == {"train": 148, "validation": 17, "holdout": 43}
    assert told.training.started == ""
    assert told.measurement is not None
    assert told.measurement.source == "bundle"
    assert told.measurement.scores["anterior"]["hd95_mm"].n == 43
    assert told.results == hippocampus.metadata["eval_metrics"]


def test_a_bundle_of_which_nothing_is_known_has_no_evidence(brats: Bundle) -> None:
    assert collect_evidence(brats, None, None) == Evidence(None, None)


def test_without_an_evaluation_the_hold_out_of_the_training_is_what_was_measured(brats: Bundle, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", bundle={"name": brats.name}, holdout={"WT": {"mean": 0.5, "n": 2}})
    told = collect_evidence(brats, run, None)
    assert told.measurement is not None
    assert told.measurement.source == "holdout"
    assert told.measurement.scores["WT"]["dice"].mean == 0.5
    assert told.results == results_of_holdout({"WT": {"mean": 0.5, "n": 2}})
