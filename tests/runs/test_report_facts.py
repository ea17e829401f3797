"""What a report is told is kept, but for identities."""

import numpy as np
import pytest

from medseg.runs.report_facts import ReportScan


@pytest.mark.parametrize("degrees", [0.0, 10.0, 44.0])
def test_the_angle_is_that_by_which_the_grid_was_turned(degrees: float) -> None:
    turn = np.radians(degrees)
    affine = np.diag([2.0, 3.0, 5.0, 1.0])
    rotation = np.array([[1, 0, 0], [0, np.cos(turn), -np.sin(turn)], [0, np.sin(turn), np.cos(turn)]])
    affine[:3, :3] = rotation @ affine[:3, :3]
    empty = np.zeros((2, 2, 2), np.uint8)
    assert ReportScan("t1", "", empty * 1.0, empty, affine).oblique_degrees == pytest.approx(degrees, abs=1e-4)
