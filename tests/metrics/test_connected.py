"""Which voxels hang together, on arrays one can see."""

import numpy as np
import pytest

from medseg.core.errors import GeometryError
from medseg.metrics.connected import boxes_of, connected_parts, grow, widen


def _mask(*voxels: tuple[int, ...], shape: tuple[int, ...] = (6, 6, 6)) -> np.ndarray:
    mask = np.zeros(shape, bool)
    for voxel in voxels:
        mask[voxel] = True
    return mask


@pytest.mark.parametrize(
    ("second", "joined_by"),
    [((2, 1, 1), (6, 18, 26)), ((2, 2, 1), (18, 26)), ((2, 2, 2), (26,)), ((3, 1, 1), ())],
    ids=["face", "edge", "corner", "gap"],
)
@pytest.mark.parametrize("connectivity", [6, 18, 26])
def test_two_voxels_are_one_part_if_they_touch_as_asked(
    second: tuple[int, ...], joined_by: tuple[int, ...], connectivity: int
) -> None:
    assert connected_parts(_mask((1, 1, 1), second), connectivity)[1] == (1 if connectivity in joined_by else 2)


@pytest.mark.parametrize(("connectivity", "count"), [(4, 2), (6, 2), (8, 1), (18, 1), (26, 1)])
def test_pixels_that_touch_at_a_corner(connectivity: int, count: int) -> None:
    assert connected_parts(_mask((1, 1), (2, 2), shape=(4, 4)), connectivity)[1] == count


def test_parts_are_numbered_in_the_order_of_the_voxels_and_an_empty_mask_has_none() -> None:
    parts, count = connected_parts(_mask((0, 0, 5), (4, 0, 0)), 26)
    assert (parts[0, 0, 5], parts[4, 0, 0], count) == (1, 2, 2)
    assert connected_parts(_mask(), 6)[1] == 0
    assert connected_parts(np.zeros((0, 0, 0), bool), 6)[1] == 0


@pytest.mark.parametrize(("shape", "connectivity"), [((3, 3, 3), 8), ((3, 3), 5), ((3,), 6)])
def test_a_connectivity_that_the_axes_do_not_have_is_refused(shape: tuple[int, ...], connectivity: int) -> None:
    with pytest.raises(GeometryError, match=f"{len(shape)} axes has no {connectivity}-connectivity"):
        connected_parts(np.zeros(shape, bool), connectivity)


def test_one_step_adds_faces_and_edges_and_no_corners() -> None:
    grown = grow(_mask((2, 2, 2)), 1)
    assert grown.sum() == 1 + 6 + 12
    assert not grown[1, 1, 1]


def test_growth_stops_at_the_edge_and_no_step_changes_nothing() -> None:
    assert grow(_mask((0, 0, 0)), 1).sum() == 1 + 3 + 3
    assert (grow(_mask((2, 2, 2)), 0) == _mask((2, 2, 2))).all()
    assert not grow(_mask(), 3).any()
    assert grow(_mask((1, 1), shape=(3, 3)), 1).all()  # in 2D all eight


def test_a_box_is_widened_up_to_the_image_s_first_voxel() -> None:
    assert widen(np.s_[1:4, 3:5], 2) == np.s_[0:6, 1:7]


def test_each_part_has_its_box() -> None:
    mask = _mask((0, 0, 0), (0, 1, 0), (4, 4, 4))
    first, second = boxes_of(connected_parts(mask, 6)[0])
    assert mask[first].shape == (1, 2, 1)
    assert second == np.s_[4:5, 4:5, 4:5]
    assert boxes_of(np.zeros((3, 3, 3), np.int32)) == []
