import pytest
from hypothesis import given
from hypothesis import strategies as st

from medseg.core.errors import DatalistError
from medseg.core.split import Split, split_by_patient
from medseg.core.study import Study


def cohort(visits: list[int]) -> list[Study]:
    return [Study(f"P{p:02}v{v}", f"P{p:02}", {}) for p, count in enumerate(visits) for v in range(count)]


def split(studies: list[Study], **changes) -> Split:
    return split_by_patient(studies, **{"fold": 0, "folds": 5, "validation_share": 0.2, "seed": 0} | changes)


cohorts = st.lists(st.integers(1, 3), min_size=3, max_size=30).map(cohort)
shares = st.floats(0.01, 0.5)


@given(cohorts, st.integers(3, 8), st.integers(0, 99), shares, st.data())
def test_every_study_is_in_one_part_and_no_patient_in_two(
    studies: list[Study], folds: int, seed: int, share: float, data: st.DataObject
) -> None:
    patients = {study.id: study.patient for study in studies}
    fold = data.draw(st.integers(0, min(folds, len(set(patients.values()))) - 1))
    parts = split(studies, fold=fold, folds=folds, seed=seed, validation_share=share)
    named = [*parts.train, *parts.validation, *parts.holdout]
    assert sorted(named) == sorted(patients)
    owners = [{patients[i] for i in part} for part in (parts.train, parts.validation, parts.holdout)]
    assert all(owners), "each part holds a patient"
    assert sum(len(part) for part in owners) == len(set(patients.values()))


@given(cohorts, st.integers(3, 8), st.integers(0, 99))
def test_the_folds_hold_out_every_study_once_in_parts_of_equal_size(
    studies: list[Study], folds: int, seed: int
) -> None:
    patients = {study.id: study.patient for study in studies}
    used = min(folds, len(set(patients.values())))
    parts = [split(studies, fold=fold, folds=folds, seed=seed).holdout for fold in range(used)]
    assert sorted(i for part in parts for i in part) == sorted(patients)
    sizes = [len({patients[i] for i in part}) for part in parts]
    assert max(sizes) - min(sizes) <= 1


@given(cohorts, st.randoms())
def test_the_order_of_the_list_does_not_change_who_is_where(studies: list[Study], shuffler) -> None:
    shuffled = list(studies)
    shuffler.shuffle(shuffled)
    one, other = split(studies), split(shuffled)
    assert (set(one.train), set(one.holdout)) == (set(other.train), set(other.holdout))


def test_a_fold_that_leaves_one_patient_is_refused() -> None:
    with pytest.raises(DatalistError, match=r"holds out 2 of 3 patients.*Set split\.folds to 3 or more"):
        split(cohort([1, 1, 1]), folds=2, fold=0)


def test_another_seed_deals_otherwise() -> None:
    studies = cohort([1] * 20)
    assert len({split(studies, seed=seed).holdout for seed in range(5)}) > 1


def test_the_validation_share_is_of_the_patients_not_held_out() -> None:
    parts = split(cohort([1] * 50), validation_share=0.25)
    assert (len(parts.holdout), len(parts.validation), len(parts.train)) == (10, 10, 30)


def test_two_patients_are_refused() -> None:
    with pytest.raises(DatalistError, match=r"2 patients .*give 3 or more"):
        split(cohort([4, 4]))


@pytest.mark.parametrize("fold", [-1, 4])
def test_a_fold_that_does_not_exist_is_refused_with_those_that_do(fold: int) -> None:
    with pytest.raises(DatalistError, match=f"fold {fold} does not exist; with 4 patients choose 0 to 3"):
        split(cohort([1] * 4), fold=fold)


def test_the_record_of_a_split_holds_plain_values() -> None:
    record = split(cohort([1] * 5)).as_dict()
    assert isinstance(record["train"], list)
    assert (record["fold"], record["folds"], record["seed"]) == (0, 5, 0)


@given(cohorts, st.integers(0, 99), shares)
def test_without_a_hold_out_everyone_trains_or_validates(studies: list[Study], seed: int, share: float) -> None:
    patients = {study.id: study.patient for study in studies}
    parts = split(studies, fold=None, seed=seed, validation_share=share)
    owners = [{patients[i] for i in part} for part in (parts.train, parts.validation)]
    assert parts.holdout == ()
    assert sorted([*parts.train, *parts.validation]) == sorted(patients)
    assert all(owners)
    assert not owners[0] & owners[1]


def test_without_a_hold_out_two_patients_are_enough_and_the_record_says_all() -> None:
    parts = split(cohort([1, 1]), fold=None)
    assert (len(parts.train), len(parts.validation)) == (1, 1)
    assert parts.as_dict()["fold"] == parts.fold_name == "all"
    with pytest.raises(DatalistError, match=r"1 patient .*into training and validation; give 2 or more"):
        split(cohort([4]), fold=None)
