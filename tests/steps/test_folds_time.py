import pytest

from medseg.steps.folds_time import LEAST, PASSES, REPORT_S, SCORING_COST, FoldsTime


def test_what_is_left_is_shared_equally() -> None:
    time = FoldsTime(ends_at_s=1000.0 + REPORT_S, whole_s=1000.0, folds=5)
    assert time.share_s(0.0, folds_left=5) == pytest.approx(200.0)
    assert time.share_s(200.0, folds_left=4) == pytest.approx(200.0)


def test_what_one_fold_took_too_long_all_later_ones_make_good() -> None:
    time = FoldsTime(ends_at_s=1000.0 + REPORT_S, whole_s=1000.0, folds=5)
    assert time.share_s(280.0, folds_left=4) == pytest.approx(180.0)


def test_every_fold_trains_as_long_as_the_first_which_knows_nothing_of_segmenting() -> None:
    time, now_s, shares, pass_s = FoldsTime(ends_at_s=1000.0 + REPORT_S, whole_s=1000.0, folds=5), 0.0, [], 20.0
    for number in range(5):
        shares.append(time.share_s(now_s, folds_left=5 - number))
        now_s += shares[-1] - SCORING_COST * pass_s  # training and two passes over the hold-out
        time.segmenting_s.append(pass_s)
    assert shares == pytest.approx([200.0] * 5)
    assert now_s + SCORING_COST * pass_s * 5 + REPORT_S == pytest.approx(time.ends_at_s)
    assert PASSES == 2 + SCORING_COST


def test_a_fold_for_which_nothing_is_left_gets_a_part_of_its_share_so_that_the_whole_can_end() -> None:
    time = FoldsTime(ends_at_s=1000.0, whole_s=1000.0, folds=5)
    assert time.share_s(2000.0, folds_left=1) == time.share_s(2000.0, folds_left=3) == LEAST * 200.0
