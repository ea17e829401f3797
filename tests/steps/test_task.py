from types import SimpleNamespace
from typing import Any

import pytest

from medseg.bundle.split_file import CHOSE
from medseg.core.errors import DatalistError
from medseg.core.split import Split
from medseg.steps.task import Task, check_choosers

SPLIT = Split(("s1", "s2"), ("s3",), ("s4", "s5"), 0, 5, 7)


@pytest.fixture
def cohort() -> Any:
    """s1 and s5 are one patient's."""
    patients = {"s1": "p1", "s2": "p2", "s3": "p3", "s4": "p4", "s5": "p1"}
    studies = [SimpleNamespace(id=study, patient=patient) for study, patient in patients.items()]
    return SimpleNamespace(dataset=SimpleNamespace(studies=studies))


@pytest.mark.parametrize(("chose", "named"), [(("s4",), "s4"), (("s1", "s2"), "s5")])
def test_who_chose_the_postprocessing_is_not_held_out(cohort: Any, chose: tuple[str, ...], named: str) -> None:
    with pytest.raises(DatalistError, match=rf"1 of the 2 studies to hold out chose .*\({named}, .*--fold all"):
        check_choosers(cohort, SPLIT, chose)


@pytest.mark.parametrize("chose", [(), ("s2", "s3"), ("of other data",)])
def test_others_may_have_chosen(cohort: Any, chose: tuple[str, ...]) -> None:
    check_choosers(cohort, SPLIT, chose)


def test_who_chose_stands_in_the_record_of_weights_that_are_trained_anew() -> None:
    parts: list[Any] = [None] * 8
    request, bundle, resolved, data, world, device, precision, began_s = parts
    task = Task(request, bundle, resolved, data, SPLIT, world, device, precision, began_s, chose=("s2",))
    assert task.split_record == SPLIT.as_dict() | {CHOSE: ["s2"]}
    assert CHOSE not in Task(request, bundle, resolved, data, SPLIT, world, device, precision, began_s).split_record
