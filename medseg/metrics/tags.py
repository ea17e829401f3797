"""What is wrong with a label of a study, in words that a radiologist would use.

A tag names the plainest explanation of a low score, so that a reader knows what to look for. It is no score: a study
without a tag may be bad, and none is given where two careful readers would differ as much.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from medseg.core.geometry import axis_codes, spacing_of
from medseg.core.types import Affine, BoolArray, Shape
from medseg.metrics.connected import connected_parts
from medseg.metrics.overlap import same_grid
from medseg.metrics.placed import Cutout, PlacedMask, dice_of, place, shared_voxels
from medseg.metrics.policy import State

ALIKE_DICE = 0.95  # from here on nothing is wrong but the outline: no test but that of the edge is made
FOUND = 0.05  # share; below it a reader would say "not found", not "too small"
SIDE_SHARE = 0.75  # of each mask that must lie on its own side: a midline organ has no wrong side
SIDE_GAIN = 0.3  # Dice with the mirrored reference less Dice: more than chance gives to two blobs
SHIFT_GAIN = 0.1  # Dice; less is seen between two readers of one scan
SHIFT_ERROR_LEFT = 0.5  # of 1 - Dice after the move: the move must explain most of the error
SHIFT_DICE = 0.7  # after the move: two shapes that are merely both round may come near it
SHIFT_MM = 1.0  # about what two readers of one scan differ by
SHIFT_DIAMETERS = (0.05, 1.0)  # of a ball of the reference's volume: below it nobody sees, above it is another place
HELD_PREDICTION, HELD_REFERENCE = 0.90, 0.98  # volume whose parts are counted: dust in a prediction is no part,
FRAGMENTS = 2  # and a small part of the reference is one; so many times more parts is clearly more

MISSED, HALLUCINATED, WRONG_SIDE, SHIFTED, FRAGMENTED, EDGE = (
    "missed",
    "hallucinated",
    "wrong side",
    "shifted",
    "fragmented",
    "touches the field-of-view edge",
)

TAGS: Mapping[str, str] = {
    MISSED: f"The reference holds the label, and less than {FOUND:.0%} of it was found.",
    HALLUCINATED: f"The prediction holds the label, and less than {FOUND:.0%} of it lies in the reference.",
    WRONG_SIDE: (
        "The prediction lies on the other side of the middle of the image and fits the mirrored reference: "
        f"Dice with it is higher by {SIDE_GAIN:g} or more. It takes the place of missed and hallucinated."
    ),
    SHIFTED: (
        f"Moved as a whole by at least a voxel and {SHIFT_MM:g} mm, and at most by the reference's own size, the "
        f"prediction gains {SHIFT_GAIN:g} of Dice or more and loses at least half of its error. "
        "It takes the place of missed and hallucinated."
    ),
    FRAGMENTED: (
        f"The parts that make up {HELD_PREDICTION:.0%} of the prediction are at least {FRAGMENTS} times as many as "
        f"those that make up {HELD_REFERENCE:.0%} of the reference."
    ),
    EDGE: (
        "Prediction or reference reaches the outermost voxels of the image: part of the structure may lie outside. "
        "A fact about the image; the only tag that a perfect prediction can have."
    ),
}


def tags_of(
    prediction: BoolArray,
    reference: BoolArray,
    affine_ras: Affine,
    *,
    state: State,
    dice: float,
    cutout: Cutout | None = None,
) -> tuple[str, ...]:
    """What is wrong with one label or region of a study.

    Args:
        prediction: Boolean mask (I, J, K); an axis may be one voxel thick, and then has no edge.
        reference: On the same grid.
        affine_ras: Of the grid; left and right are those of the axis nearest to them.
        state: What the masks held; "missing" where there is no usable prediction.
        dice: Of the two masks; from ``ALIKE_DICE`` on only the edge is looked at.
        cutout: Where in the grid both masks were cut out; None where they are whole. Nothing of either may lie
            outside.

    Returns:
        Keys of ``TAGS``, in that order; none where neither mask holds anything.

    Raises:
        GeometryError: The masks differ in shape.
    """
    same_grid(prediction, reference)
    where = cutout or Cutout(prediction.shape, (0,) * prediction.ndim)
    expected = place(reference, where.start)
    found = None if state == "missing" else place(prediction, where.start)
    if state == "missing":
        return (MISSED,) if expected else ()
    wrong = _wrong(found, expected, affine_ras, where.shape, dice)
    at_edge = any(_at_edge(mask, where.shape) for mask in (found, expected) if mask)
    return tuple(tag for tag in TAGS if tag in wrong or (tag == EDGE and at_edge))


def _wrong(
    found: PlacedMask | None, expected: PlacedMask | None, affine_ras: Affine, shape: Shape, dice: float
) -> set[str]:
    if found is None or expected is None:
        return {MISSED} if expected else {HALLUCINATED} if found else set()
    if dice >= ALIKE_DICE:
        return set()
    wrong = {FRAGMENTED} if _is_fragmented(found, expected) else set()
    if _is_on_wrong_side(found, expected, affine_ras, shape, dice):
        return wrong | {WRONG_SIDE}
    if _is_shifted(found, expected, spacing_of(affine_ras), shape, dice):
        return wrong | {SHIFTED}
    shared = shared_voxels(found, expected)
    missed, hallucinated = shared < FOUND * expected.size, shared < FOUND * found.size
    return wrong | ({MISSED} if missed else set()) | ({HALLUCINATED} if hallucinated else set())


def _at_edge(mask: PlacedMask, shape: Shape) -> bool:
    spans = zip(mask.start, mask.stop, shape, strict=True)
    return any(length > 1 and (start <= 0 or stop >= length) for start, stop, length in spans)


def _is_on_wrong_side(found: PlacedMask, expected: PlacedMask, affine_ras: Affine, shape: Shape, dice: float) -> bool:
    axis = next(n for n, code in enumerate(axis_codes(affine_ras)) if code in "LR")
    sides = [_share_below_middle(mask, axis, shape[axis]) for mask in (found, expected)]
    if max(sides) < SIDE_SHARE or min(sides) > 1.0 - SIDE_SHARE:
        return False
    return dice_of(found, expected.mirrored(axis, shape[axis])) >= dice + SIDE_GAIN


def _share_below_middle(mask: PlacedMask, axis: int, length: int) -> float:
    """Share of a mask in the lower half of an axis; the middle slice of an odd number counts half to each."""
    index = mask.start[axis] + np.arange(mask.voxels.shape[axis])
    weight = np.clip(length / 2 - index, 0.0, 1.0)
    return float((mask.profile(axis) * weight).sum() / mask.size)


def _is_shifted(
    found: PlacedMask, expected: PlacedMask, spacing_mm: tuple[float, ...], shape: Shape, dice: float
) -> bool:
    steps = np.rint(expected.centroid - found.centroid).astype(int)
    length_mm = float(np.linalg.norm(steps * np.asarray(spacing_mm)))
    least, most = (share * _diameter_mm(expected.size, spacing_mm, shape) for share in SHIFT_DIAMETERS)
    if not max(SHIFT_MM, least) <= length_mm <= most:
        return False
    moved = dice_of(found.moved(steps.tolist()), expected)
    return moved >= max(dice + SHIFT_GAIN, 1.0 - SHIFT_ERROR_LEFT * (1.0 - dice), SHIFT_DICE)


def _diameter_mm(voxels: int, spacing_mm: tuple[float, ...], shape: Shape) -> float:
    """Of a ball of as many voxels; of a disc, or a line, where the grid is one voxel thick."""
    edges = [edge for edge, length in zip(spacing_mm, shape, strict=True) if length > 1]
    content = voxels * math.prod(edges)
    if len(edges) == 3:
        return math.cbrt(6 * content / math.pi)
    return 2 * math.sqrt(content / math.pi) if len(edges) == 2 else content


def _is_fragmented(found: PlacedMask, expected: PlacedMask) -> bool:
    parts = _parts_that_hold(found, HELD_PREDICTION)
    return parts >= FRAGMENTS and parts >= FRAGMENTS * _parts_that_hold(expected, HELD_REFERENCE)


def _parts_that_hold(mask: PlacedMask, share: float) -> int:
    """The smallest number of connected parts (26 neighbours) that together make up this share of a mask."""
    parts, count = connected_parts(mask.voxels, 26)
    if count == 1:
        return 1
    sizes = np.sort(np.bincount(parts.reshape(-1))[1:])[::-1]
    return int(np.searchsorted(np.cumsum(sizes), share * mask.size)) + 1
