import pytest
import torch

from medseg.engine.content import content_box


def test_a_box_holds_all_that_differs_from_the_corners_in_any_channel() -> None:
    image = torch.zeros(2, 20, 21, 22)
    image[1] = -3.5
    image[0, 4, 9, 10] = 1e-9
    image[1, 12, 5, 18] = 0.0
    assert content_box(image) == ((4, 13), (5, 10), (10, 19))


@pytest.mark.parametrize("place", [(0, 0, 0), (0, 9, 9), (9, 0, 9), (9, 9, 9)])
def test_corners_that_differ_say_nothing(place: tuple[int, int, int]) -> None:
    image = torch.zeros(1, 10, 10, 10)
    image[(0, *place)] = 1.0
    assert content_box(image) is None


def test_an_empty_image_has_no_box() -> None:
    assert content_box(torch.full((3, 4, 5, 6), 2.0)) is None


def test_an_image_that_fills_its_volume_but_for_the_corners_is_its_own_box() -> None:
    image = torch.randn(1, 6, 7, 8)
    for i in (0, -1):
        for j in (0, -1):
            for k in (0, -1):
                image[0, i, j, k] = 0.0
    assert content_box(image) == ((0, 6), (0, 7), (0, 8))


def test_a_single_slice_is_a_volume() -> None:
    image = torch.zeros(1, 9, 9, 1)
    image[0, 2:4, 3:5, 0] = 1.0
    assert content_box(image) == ((2, 4), (3, 5), (0, 1))
