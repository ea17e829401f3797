import numpy as np
import pytest

from medseg.bundle.expected_input import ExpectedInput
from medseg.core.volume import Volume
from medseg.runs.report_facts import ReportChannel
from medseg.steps.expectation import with_expectation
from medseg.steps.jobs import Scan

EXPECTED = ExpectedInput(2.0, "brains are smaller")


def _scan(nonzero: int) -> Scan:
    """Two channels of 10 x 10 x 30 voxels of 1 mm; the second has ``nonzero`` voxels that are not 0."""
    array = np.zeros((2, 10, 10, 30), np.float32)
    array[1].ravel()[:nonzero] = 5
    channels = [ReportChannel(name, "", None, "", (10, 10, 30), (1, 1, 1), False, "accepted") for name in ("t1", "t2")]
    return Scan(Volume(array, np.eye(4)), tuple(channels))


@pytest.mark.parametrize(("nonzero", "warned"), [(0, False), (2000, False), (2001, True)])
def test_a_channel_with_more_than_the_expected_volume_is_warned_of(nonzero: int, warned: bool) -> None:
    warnings = with_expectation(_scan(nonzero), EXPECTED).warnings
    assert [one.code for one in warnings] == ["unlike_training"] * warned


def test_the_warning_names_channel_volume_and_reason() -> None:
    (warning,) = with_expectation(_scan(2900), EXPECTED).warnings
    assert "channel t2 has 3 ml" in warning.sentence
    assert "at most 2 ml: brains are smaller" in warning.sentence


def test_a_bundle_that_expects_nothing_changes_nothing() -> None:
    scan = _scan(2900)
    assert with_expectation(scan, None) is scan
