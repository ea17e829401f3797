"""The gallery as a picture: the same planes, with colours and directions in the right places."""

import numpy as np
import pytest

from medseg.runs.evaluation_facts import StudyMaps
from medseg.runs.evaluation_panels import DIFFERENCES, OVER, UNDER, panels_of
from medseg.runs.pictures_study import paint_study

SHAPE = (40, 44, 36)
SITE = (7, 37, 30)


def _paint(
    prediction: np.ndarray | None, reference: np.ndarray, *, title: str = "P1", name: str = "core"
) -> np.ndarray:
    maps = StudyMaps(prediction, reference, None, np.eye(4), {1: name})
    return paint_study(panels_of(maps, SITE), title=title, without="no usable prediction")


def _corner() -> np.ndarray:
    labels = np.zeros(SHAPE, np.uint8)
    labels[4:10, 34:40, 28:32] = 1  # left, front, top
    return labels


def _middle(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Mean place of pixels of about this colour, above the legend, as shares of height and width."""
    body = picture[: int(0.93 * len(picture))].astype(int)
    found = np.argwhere(np.abs(body - np.multiply(colour, 0.85)).max(axis=-1) < 40)
    assert len(found) > 100
    return found.mean(axis=0) / picture.shape[:2]


def test_the_picture_is_as_wide_as_a_slide_and_has_three_colours() -> None:
    picture = _paint(_corner(), _corner())
    assert picture.dtype == np.uint8
    assert picture.shape[1:] == (1599, 3)
    assert picture.std() > 10


def test_too_much_stands_towards_the_side_it_was_predicted_on() -> None:
    reference = np.zeros(SHAPE, np.uint8)
    reference[10:20, 30:42, 24:34] = 1
    picture = _paint(np.roll(reference, -8, 0), reference)  # towards the patient's left: right on the page
    over, under = (_middle(picture[: len(picture) // 3], DIFFERENCES[kind].colour) for kind in (OVER, UNDER))
    assert over[1] > under[1] > 2 / 3  # both in the third column


def test_a_label_that_lies_left_front_and_top_is_drawn_right_and_up() -> None:
    picture = _paint(None, _corner())
    third = picture[: len(picture) // 3, : picture.shape[1] // 2]  # axial plane of the reference
    orange = np.argwhere(np.abs(third.astype(int) - np.multiply((230, 159, 0), 0.85)).max(axis=-1) < 40)
    black = np.argwhere(third.max(axis=-1) < 3)
    middle = (black.min(axis=0) + black.max(axis=0)) / 2
    assert orange.mean(axis=0)[0] < middle[0]
    assert orange.mean(axis=0)[1] > middle[1]


def test_a_flat_map_makes_a_flat_picture() -> None:
    flat = np.zeros((64, 64, 1), np.uint8)
    flat[10:30, 10:30] = 1
    maps = StudyMaps(flat, flat, None, np.eye(4), {1: "cell"})
    picture = paint_study(panels_of(maps, (20, 20, 0)), title="P1", without="")
    assert len(picture) < 800


@pytest.mark.parametrize("words", ["$\\frac{1}$", "<b>&", "a_b^c", "\u202e"])
def test_titles_and_names_are_taken_as_they_are(words: str) -> None:
    assert _paint(_corner(), _corner(), title=words, name=words).size
