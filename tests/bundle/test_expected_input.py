import pytest

from medseg.bundle.expected_input import ExpectedInput, expected_input_faults, expected_input_of


def test_a_bundle_without_the_key_expects_nothing() -> None:
    assert expected_input_of({}) is None
    assert expected_input_faults({}) == []


def test_the_volume_and_its_reason_are_read() -> None:
    metadata = {"expected_input": {"nonzero_ml_at_most": 2200, "because": "brains"}}
    assert expected_input_of(metadata) == ExpectedInput(2200.0, "brains")
    assert expected_input_faults(metadata) == []


@pytest.mark.parametrize(
    "given", [5, {"nonzero_ml_at_most": 1}, {"nonzero_ml_at_most": -1, "because": ""}, {"most": 1, "because": ""}]
)
def test_anything_else_is_a_fault_that_names_the_key(given: object) -> None:
    (fault,) = expected_input_faults({"expected_input": given})
    assert fault.startswith("expected_input")
    assert expected_input_of({"expected_input": given}) is None
