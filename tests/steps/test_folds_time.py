import pytest

from medseg.steps.folds_time import LEAST_S, REPORT_S, FoldsTime


def test_what_is_left_is_shared_equally() -> None:
    time = FoldsTime(ends_at_s=1000.0 + REPORT_S, folds=5)
    assert time.share_s(0.0, folds_left=5) == pytest.approx(200.0)
    assert time.share_s(200.0, folds_left=4) == pytest.approx(200.0)


def test_what_one_fold_took_too_long_all_later_ones_make_good() -> None:
    time = FoldsTime(ends_at_s=1000.0 + REPORT_S, folds=5)
    assert time.share_s(280.0, folds_left=4) == pytest.approx(180.0)


def test_segmenting_and_the_evaluation_are_kept_back_by_the_longest_so_far() -> None:
    time = FoldsTime(ends_at_s=1000.0 + REPORT_S, folds=5, segmenting_s=[10.0, 20.0])
    # Three folds left of 600 s: 1 x 20 s x 5 folds for the evaluation, then 20 s for each hold-out.
    assert time.share_s(400.0, folds_left=3) == pytest.approx((600.0 - 100.0) / 3 - 20.0)


def test_a_fold_for_which_nothing_is_left_gets_too_little_rather_than_nothing() -> None:
    assert FoldsTime(ends_at_s=10.0, folds=5).share_s(100.0, folds_left=1) == LEAST_S
