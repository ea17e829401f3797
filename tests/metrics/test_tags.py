"""Tags say what a radiologist would see, and keep quiet where nothing is wrong."""

import itertools
import time

import numpy as np
import pytest
from scipy import ndimage

from medseg.core.errors import GeometryError
from medseg.metrics.overlap import dice
from medseg.metrics.placed import Cutout
from medseg.metrics.policy import State, state_of
from medseg.metrics.tags import ALIKE_DICE, EDGE, TAGS, tags_of

SHAPE = (48, 40, 32)
RAS = np.eye(4)


def _ball(centre: tuple[float, ...], radius: float, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    grid = np.indices(shape) - np.reshape(centre, (-1, 1, 1, 1))
    return (grid**2).sum(axis=0) <= radius**2


def _tags(
    prediction: np.ndarray, reference: np.ndarray, affine: np.ndarray = RAS, state: State | None = None
) -> tuple[str, ...]:
    held = state_of(prediction_empty=not prediction.any(), reference_empty=not reference.any())
    return tags_of(prediction, reference, affine, state=state or held, dice=dice(prediction, reference))


NONE = np.zeros(SHAPE, bool)
LEFT = _ball((13, 20, 16), 7)  # of the image's low side along i


def test_every_tag_has_a_sentence() -> None:
    assert tuple(TAGS) == (
        "missed",
        "hallucinated",
        "wrong side",
        "shifted",
        "fragmented",
        "touches the field-of-view edge",
    )
    assert all(sentence.endswith(".") for sentence in TAGS.values())


@pytest.mark.parametrize(
    "reference", [LEFT, _ball((24, 20, 16), 9), _ball((13, 20, 16), 0)], ids=["side", "mid", "dot"]
)
def test_a_perfect_prediction_has_no_tag(reference: np.ndarray) -> None:
    assert _tags(reference, reference) == ()


def test_two_empty_masks_have_no_tag() -> None:
    assert _tags(NONE, NONE) == ()


def test_a_label_that_was_not_predicted_is_missed_and_one_that_is_not_there_hallucinated() -> None:
    assert _tags(NONE, LEFT) == ("missed",)
    assert _tags(LEFT, NONE) == ("hallucinated",)


def test_a_study_without_prediction_misses_what_the_reference_holds_and_nothing_else() -> None:
    assert _tags(LEFT, LEFT, state="missing") == ("missed",)
    assert _tags(NONE, NONE, state="missing") == ()
    assert _tags(NONE, np.ones(SHAPE, bool), state="missing") == ("missed",)


def test_a_find_elsewhere_is_both_missed_and_hallucinated() -> None:
    assert _tags(_ball((20, 32, 26), 4), _ball((20, 6, 6), 4)) == ("missed", "hallucinated")


def test_a_speck_of_the_reference_is_missed_and_a_flood_around_it_hallucinated() -> None:
    assert _tags(_ball((13, 20, 16), 2), LEFT) == ("missed",)
    assert _tags(LEFT, _ball((13, 20, 16), 2)) == ("hallucinated",)


@pytest.mark.parametrize("change", [ndimage.binary_erosion, ndimage.binary_dilation], ids=["too small", "too large"])
def test_a_wrong_outline_alone_has_no_tag(change: object) -> None:
    worse = change(LEFT, iterations=2)
    assert dice(worse, LEFT) < 0.8
    assert _tags(worse, LEFT) == ()


def test_half_of_a_structure_is_not_called_shifted() -> None:
    half = LEFT.copy()
    half[:, :20] = False
    assert _tags(half, LEFT) == ()


@pytest.mark.parametrize("code", ["R", "L"])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_mirror_image_is_on_the_wrong_side_whichever_axis_runs_left_to_right(axis: int, code: str) -> None:
    sign = 1 if code == "R" else -1
    affine = np.eye(4)
    affine[:3, :3] = np.roll(np.diag([sign, 1, 1]), axis, axis=1)
    assert affine[0, axis] == sign
    reference = np.zeros((40, 40, 40), bool)
    reference[6:14, 8:20, 9:18] = True
    assert "wrong side" not in _tags(reference[:, ::-1], reference, np.eye(4))
    other = np.flip(reference, axis)
    assert _tags(other, reference, affine) == ("wrong side",)


@pytest.mark.parametrize("length", [40, 41])
def test_the_middle_is_that_of_the_voxels_of_an_even_and_an_odd_grid(length: int) -> None:
    reference = np.zeros((length, 20, 20), bool)
    reference[12:18, 5:15, 5:15] = True
    assert _tags(reference[::-1], reference) == ("wrong side",)


def test_a_midline_structure_has_no_wrong_side() -> None:
    reference, prediction = _ball((22, 20, 16), 8), _ball((26, 20, 16), 8)
    assert _tags(prediction, reference) == ("shifted",)


def test_finding_both_kidneys_for_one_is_not_the_wrong_side() -> None:
    assert _tags(LEFT | LEFT[::-1], LEFT) == ("fragmented",)


def test_a_move_that_explains_the_error_is_a_shift() -> None:
    for steps in itertools.product((0, 3), repeat=3):
        expected = ("shifted",) if any(steps) else ()
        assert _tags(np.roll(LEFT, steps, (0, 1, 2)), LEFT) == expected


def test_a_shift_is_counted_in_mm_and_by_size() -> None:
    moved = np.roll(LEFT, 2, 1)
    assert _tags(moved, LEFT) == ("shifted",)
    assert _tags(moved, LEFT, np.diag([0.4, 0.4, 0.4, 1.0])) == ()  # 0.8 mm: two readers differ by more
    large = _ball((24, 20, 16), 12)
    assert _tags(np.roll(large, 1, 2), large, np.diag([0.5, 0.5, 7.5, 1.0])) == ()  # Dice falls by less than 0.1
    thin = np.zeros(SHAPE, bool)
    thin[10:30, 10:30, 10:14] = True
    assert _tags(np.roll(thin, 1, 2), thin, np.diag([0.5, 0.5, 7.5, 1.0])) == ("shifted",)


def test_a_move_by_more_than_the_size_is_another_place() -> None:
    dot = _ball((20, 6, 16), 2)
    assert _tags(np.roll(dot, 3, 1), dot) == ("shifted",)
    assert _tags(np.roll(dot, 20, 1), dot) == ("missed", "hallucinated")


def test_two_halves_are_fragments_and_dust_is_not() -> None:
    cut = LEFT.copy()
    cut[:, :, 15:18] = False
    assert _tags(cut, LEFT) == ("fragmented",)
    worn = ndimage.binary_erosion(LEFT)
    dusty = worn.copy()
    dusty[30, 2:38:8, 2:30:8] = True
    assert _tags(dusty, LEFT) == _tags(worn, LEFT) == ()


def test_as_many_lesions_as_there_are_is_no_fragmentation() -> None:
    lesions = LEFT | _ball((34, 20, 16), 5)
    assert _tags(ndimage.binary_erosion(lesions), lesions) == ()


def test_a_sieve_is_fragmented() -> None:
    sieve = LEFT & (np.indices(SHAPE) % 2 == 0).all(axis=0)
    assert _tags(sieve, LEFT) == ("fragmented",)


@pytest.mark.parametrize(("axis", "end"), list(itertools.product(range(3), (0, -1))))
def test_either_mask_at_an_outer_voxel_touches_the_edge(axis: int, end: int) -> None:
    at_edge = LEFT.copy()
    at_edge[tuple(end if n == axis else 16 for n in range(3))] = True
    assert EDGE in _tags(at_edge, LEFT)
    assert EDGE in _tags(LEFT, at_edge)
    assert _tags(at_edge, at_edge) == (EDGE,)
    assert EDGE not in _tags(LEFT, LEFT)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_an_axis_one_voxel_thick_has_no_edge_and_the_others_keep_their_tags(axis: int) -> None:
    disc = np.zeros((40, 40), bool)
    disc[8:18, 9:15] = True
    thin = np.expand_dims(disc, axis)
    assert _tags(thin, thin) == ()
    assert _tags(np.expand_dims(np.roll(disc, 3, 1), axis), thin) == ("shifted",)
    assert EDGE in _tags(np.expand_dims(np.roll(disc, -9, 1), axis), thin)


def test_cut_out_masks_have_the_tags_of_whole_ones() -> None:
    box = np.s_[3:45, 10:30, 5:28]
    for prediction in (LEFT[::-1], np.roll(LEFT, 3, 1), NONE):
        state = state_of(prediction_empty=not prediction.any(), reference_empty=False)
        cut = tags_of(
            prediction[box],
            LEFT[box],
            RAS,
            state=state,
            dice=dice(prediction, LEFT),
            cutout=Cutout(SHAPE, (3, 10, 5)),
        )
        assert cut == _tags(prediction, LEFT)
    whole = np.ones((4, 4, 4), bool)
    assert tags_of(whole, whole, RAS, state="scored", dice=1.0, cutout=Cutout((9, 9, 9), (2, 2, 2))) == ()


def test_alike_masks_are_left_alone() -> None:
    reference = np.zeros(SHAPE, bool)
    reference[4:44, 4:36, 4:28] = True
    cut = reference.copy()
    cut[24] = False  # one slice of forty
    assert dice(cut, reference) > ALIKE_DICE
    assert _tags(cut, reference) == ()


def test_other_grids_are_refused() -> None:
    with pytest.raises(GeometryError, match="one grid"):
        tags_of(NONE, NONE[1:], RAS, state="scored", dice=0.5)


@pytest.mark.slow
def test_a_whole_brain_is_tagged_at_once() -> None:
    shape = (240, 240, 155)
    reference = _ball((80, 120, 80), 40, shape)
    prediction = np.roll(reference, 6, 1)
    started = time.perf_counter()
    assert _tags(prediction, reference) == ("shifted",)
    assert time.perf_counter() - started < 0.5  # about 0.02 s; a busy machine may take longer
