import inspect

import pytest

from medseg.core import errors
from medseg.core.errors import DatalistError, GateError, UsageError, raise_faults


def test_no_fault_raises_nothing() -> None:
    raise_faults("Data '/d'", [], DatalistError)


def test_every_fault_stands_on_its_own_line_under_a_count() -> None:
    with pytest.raises(DatalistError) as caught:
        raise_faults("Data '/d'", (fault for fault in ("a.nii: empty", "b.nii: absent")), DatalistError)
    assert str(caught.value) == "Data '/d': 2 faults\n  a.nii: empty\n  b.nii: absent"


def test_one_fault_is_counted_in_the_singular() -> None:
    with pytest.raises(DatalistError, match=r"^Data: 1 fault\n"):
        raise_faults("Data", ["x"], DatalistError)


def test_more_faults_than_anyone_reads_are_counted() -> None:
    with pytest.raises(DatalistError) as caught:
        raise_faults("Data", [str(n) for n in range(errors.FAULTS_SHOWN + 7)], DatalistError)
    lines = str(caught.value).splitlines()
    assert len(lines) == errors.FAULTS_SHOWN + 2
    assert lines[-1] == "  … and 7 more"


def test_each_error_ends_a_command_with_its_documented_code() -> None:
    classes = {
        name: item
        for name, item in vars(errors).items()
        if inspect.isclass(item) and item.__module__ == errors.__name__
    }
    documented = dict(line.split()[:2] for line in errors.__doc__.splitlines() if line.split()[:1] and "Error" in line)
    assert {name: str(item.exit_code) for name, item in classes.items()} == documented


def test_wrong_usage_and_unmet_gates_have_codes_of_their_own() -> None:
    assert (UsageError.exit_code, GateError.exit_code) == (2, 4)
