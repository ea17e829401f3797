from collections.abc import Callable
from typing import Any

import pytest

from medseg.datasets.series_override import overridden

Make = Callable[..., Any]
CHANNELS = ("t1", "t1c")


def test_a_series_is_named_by_number_or_uid(series: Make) -> None:
    study = [series(3), series(4), series(None, uid="1.2.77")]
    found, faults = overridden({"t1": " 4 ", "t1c": "1.2.77"}, study, CHANNELS)
    assert faults == []
    assert found == {"t1": study[1], "t1c": study[2]}


@pytest.mark.parametrize(
    ("overrides", "fault"),
    [
        ({"t1ce": "3"}, "--series t1ce=3: the bundle has no channel 't1ce', only t1, t1c; did you mean 't1c'?"),
        ({"t1": "9"}, "--series t1=9: no series has this number or UID; there are\n      series 3"),
        ({"t1": "1.2"}, "--series t1=1.2: no series has this number or UID"),
        ({"t1": "5"}, "--series t1=5: 2 series have this number; give the UID\n      series 1.2.51  'a'"),
        ({"t1": "6"}, "--series t1=6: series 6 'result' (SEG) is no image"),
        ({"t1": "7"}, "--series t1=7: series 7 (MR) is refused: a gap."),
        ({"t1": "3", "t1c": "3"}, "--series t1c=3: series 3 (MR) is named for t1 too"),
    ],
)
def test_a_name_that_cannot_be_followed_says_why(series: Make, overrides: dict[str, str], fault: str) -> None:
    study = [series(3), series(5, "a", uid="1.2.51"), series(5, "b", uid="1.2.52"), series(7, refused="a gap.")]
    study.append(series(6, "result", Modality="SEG", is_image=False))
    _, faults = overridden(overrides, study, CHANNELS)
    assert [found.startswith(fault) for found in faults] == [True], faults


def test_faults_are_found_at_once(series: Make) -> None:
    assert len(overridden({"t1": "9", "t1c": "8", "t2": "3"}, [series(3)], CHANNELS)[1]) == 3
