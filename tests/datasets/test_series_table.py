from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from medseg.datasets.series_table import calls, candidate_table

Make = Callable[..., Any]


def test_a_line_holds_number_description_shape_and_spacing_in_columns(series: Make) -> None:
    oblique = np.diag([0.6875, 0.6875, 6.5, 1.0])
    study = [series(11, "T1post", shape=(280, 320, 22), affine=oblique), series(3, "a" * 14), series(5)]
    assert candidate_table(study, {0: "first", 1: "second", 2: "third"}) == [
        "series 11  'T1post'          280x320x22  0.688x0.688x6.5 mm  first",
        "series 3   'aaaaaaaaaaaaaa'  64x64x20    1x1x3 mm            second",
        "series 5   no description    64x64x20    1x1x3 mm            third",
    ]


def test_a_series_without_a_grid_shows_its_slices(series: Make) -> None:
    one = replace(series(3, "T1", shape=(8, 8, 7)), shape=None, affine_ras=None)
    assert candidate_table([one], {0: "refused"}) == ["series 3  'T1'  7 slices    refused"]


def test_a_uid_stands_in_only_where_the_number_is_absent_or_double(series: Make) -> None:
    study = [series(3), series(4, uid="1.1"), series(4, uid="1.2"), series(None, uid="1.3")]
    assert calls(study) == ["3", "1.1", "1.2", "1.3"]


def test_series_that_are_not_named_are_left_out(series: Make) -> None:
    assert candidate_table([series(3), series(4)], {1: "x"}) == ["series 4  no description  64x64x20  1x1x3 mm  x"]
    assert candidate_table([], {}) == []
