"""Files pair by study id, letter for letter; whatever has no partner is named with what it nearly matches."""

import time
from pathlib import Path

import pytest

from medseg.core.errors import DatalistError
from medseg.steps.label_maps import LabelFile, LabelMaps
from medseg.steps.label_pairs import pair


def maps(root: str, *ids: str, single: bool = False, **absent: str) -> LabelMaps:
    files = {study: LabelFile(study, Path(root, f"{study}.nii.gz"), "nifti", f"patient of {study}") for study in ids}
    return LabelMaps(
        Path(root), "folder of label maps", files, absent=absent, notes=(f"note on {root}",), single=single
    )


def test_equal_ids_are_pairs_in_the_order_of_the_references() -> None:
    pairs = pair(maps("ours", "P2", "P1"), maps("theirs", "P1", "P2"))
    assert [(one.study, one.prediction, one.reason) for one in pairs.pairs] == [
        (study, LabelFile(study, Path(f"ours/{study}.nii.gz"), "nifti", f"patient of {study}"), "")
        for study in ("P1", "P2")
    ]
    assert pairs.pairs[0].patient == "patient of P1"
    assert pairs.left_out == ()
    assert pairs.notes == ("note on ours", "note on theirs")


def test_a_reference_without_a_prediction_is_a_pair_that_says_why() -> None:
    pairs = pair(maps("ours", "P1", P2="inference failed: slices are missing"), maps("theirs", "P1", "P2", "P3"))
    assert [one.prediction is None for one in pairs.pairs] == [False, True, True]
    assert [one.reason for one in pairs.pairs] == [
        "",
        "there is no prediction: inference failed: slices are missing",
        "there is no prediction of this name in 'ours'",
    ]


def test_a_near_match_is_named_on_both_sides_and_not_taken() -> None:
    pairs = pair(maps("ours", "P1_pred", "P2"), maps("theirs", "P1", "P2"))
    assert pairs.left_out == ("prediction 'P1_pred' has no reference; did you mean 'P1'?",)
    assert pairs.pairs[0].prediction is None
    assert pairs.pairs[0].reason == (
        "there is no prediction of this name in 'ours'; rename 'P1_pred' if that is the one"
    )


def test_a_prediction_whose_study_has_no_label_says_that() -> None:
    pairs = pair(maps("ours", "P1", "P2"), maps("theirs", "P1", P2="'theirs' has no label for it"))
    assert pairs.left_out == ("prediction 'P2' has no reference: 'theirs' has no label for it",)


def test_nothing_in_common_shows_three_ids_of_each_side() -> None:
    with pytest.raises(DatalistError) as caught:
        pair(maps("ours", "a_seg", "b_seg", "c_seg", "d_seg"), maps("theirs", "a", "b"))
    assert str(caught.value).splitlines()[1:] == [
        "  predictions 'ours' (folder of label maps): a_seg, b_seg, c_seg and 1 more",
        "  references 'theirs' (folder of label maps): a, b",
        "  'a_seg' looks like 'a': rename the predictions.",
    ]


def test_predictions_that_all_failed_are_no_wrong_folder() -> None:
    pairs = pair(maps("ours", P1="inference failed: no memory"), maps("theirs", "P1"))
    assert [one.prediction for one in pairs.pairs] == [None]


def test_two_single_files_are_a_pair_whatever_their_names() -> None:
    pairs = pair(maps("ours", "result", single=True), maps("theirs", "truth", single=True))
    assert [one.study for one in pairs.pairs] == ["truth"]
    assert pairs.pairs[0].prediction is not None
    assert pairs.pairs[0].prediction.study == "result"
    with pytest.raises(DatalistError, match="No study is in both"):
        pair(maps("ours", "result", single=True), maps("theirs", "truth"))


def test_two_thousand_ids_that_all_differ_are_paired_at_once() -> None:
    ours = maps("ours", "P0", *(f"P{n}_run_a_pred" for n in range(1, 2001)))
    theirs = maps("theirs", *(f"P{n}" for n in range(2001)))
    began_s = time.process_time()
    pairs = pair(ours, theirs)
    assert time.process_time() - began_s < 2  # each against each took ten times as long
    assert pairs.left_out[-1] == "prediction 'P2000_run_a_pred' has no reference; did you mean 'P2000'?"
    assert pairs.pairs[77].reason.endswith("rename 'P77_run_a_pred' if that is the one")
