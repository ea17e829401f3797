import pytest

from medseg.core.study import Study
from medseg.planning.parts import plan_split, validation_share


def studies(patients: int, each: int = 1) -> list[Study]:
    return [Study(f"s{n:03d}", f"p{n % patients}", {}) for n in range(patients * each)]


@pytest.mark.parametrize(
    ("patients", "train", "validation", "holdout"),
    [(3, 1, 1, 1), (4, 2, 1, 1), (6, 3, 1, 2), (11, 6, 2, 3), (30, 19, 5, 6), (100, 72, 8, 20)],
)
def test_parts_are_counted_in_whole_patients(patients: int, train: int, validation: int, holdout: int) -> None:
    found = plan_split(studies(patients))
    assert [len(part) for part in (found.train, found.validation, found.holdout)] == [train, validation, holdout]


def test_a_patient_brings_all_studies() -> None:
    assert len(plan_split(studies(20, each=5)).train) == 65  # 4 of 20 held out, 3 of 16 validate


@pytest.mark.parametrize(("patients", "share"), [(3, 0.2), (99, 0.2), (100, 0.1)])
def test_few_patients_give_a_larger_share_to_validation(patients: int, share: float) -> None:
    # 0.1 of the 80 that are not held out are 8, the fewest that are worth it
    assert validation_share(patients) == share
