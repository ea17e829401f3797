"""Along which axes images and labels may be mirrored, decided from where labels lie and what images look like.

Mirroring teaches a network that both sides are alike. Where they are not, it plants labels of the wrong side.
An axis is one-sided where one of three measured numbers has the same sign in nearly every study and is well above its
own scatter: the way from one label to another, the way from the body's centre to a label, or how much less an image
resembles the mean of the others once it is mirrored.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from medseg.planning.likeness import GRID, values_of
from medseg.planning.measures import StudyMeasures

SIDES = ("left-right", "back-front", "bottom-top")
SAME_SIGN = 0.9  # share of the studies
WELL_ABOVE = 4.0  # mean over standard error; chance alone exceeds it in 1 % of comparisons of 6 studies
SMALLEST_WAY = 0.25  # of the spread of a label; a consistent hair's breadth confuses nobody
SMALLEST_LOSS = 0.05  # of correlation; halves of an atlas brain differ by 0.002, halves of a crop by 0.6
FEWEST = 3  # studies in which a number is measured before it counts
# Bodies are alike on both sides from left to right alone; along other axes many studies must show that sides do not
# matter.
FEWEST_FOR_OTHER_AXES = 20
# Words of a name that need no measurement: a sign for a side alone, or left and right at an end: "leftkidney", but not
# "cleft", "bright", "upright", "leftover". Vertebra "L1" is a word of its own.
_SIDED = re.compile(r"(?:l|r|lh|rh|(?:left|right)(?!over).*|.*(?<!\bc)left|.*(?<!\bb)(?<!\bup)right)")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")  # where LeftKidney and LKidney are parted


@dataclass(frozen=True)
class Side:
    """One number that tells the sides of an axis apart, or does not.

    Attributes:
        what: In words: "from Posterior to Anterior".
        median: Over studies; in units of the labels' spread, or of correlation.
        same_sign: Share of the studies with the more frequent sign.
        studies: In how many it was measured.
        one_sided: Whether it forbids mirroring.
    """

    what: str
    median: float
    same_sign: float
    studies: int
    one_sided: bool


@dataclass(frozen=True)
class Mirroring:
    """Whether one axis may be mirrored.

    Attributes:
        axis: 0, 1 or 2.
        allowed: Whether it may.
        reason: In one phrase, with the number that decides.
    """

    axis: int
    allowed: bool
    reason: str


def judge_mirroring(
    studies: Sequence[StudyMeasures], names: Mapping[int, str], *, axes: Sequence[int], is_patient: bool
) -> tuple[Mirroring, ...]:
    """For each axis whether it may be mirrored.

    Args:
        studies: Measured, at least one.
        names: Written label value to name.
        axes: Those along which a patch has an extent.
        is_patient: Whether axes are directions of a body; those of a microscope are not.
    """
    return tuple(_judge(axis, axes, studies, names, is_patient) for axis in axes)


def _judge(
    axis: int, axes: Sequence[int], studies: Sequence[StudyMeasures], names: Mapping[int, str], is_patient: bool
) -> Mirroring:
    sides = list(sides_of(axis, axes, studies, names))
    against = [side for side in sides if side.one_sided]
    no, yes = f"{SIDES[axis]} no:", f"{SIDES[axis]} yes:"
    if against:
        return Mirroring(axis, False, f"{no} {_in_words(_clearest(against))}")
    sided = [name for name in names.values() if is_sided(name)]
    if axis == 0 and is_patient and sided:
        return Mirroring(axis, False, f"{no} {sided[0]} is named after its side")
    if axis > 0 and is_patient and len(studies) < FEWEST_FOR_OTHER_AXES:
        return Mirroring(axis, False, f"{no} {len(studies)} studies are too few to show that sides do not matter")
    return Mirroring(axis, True, f"{yes} at most {_in_words(_largest(sides))}")


def is_sided(name: str) -> bool:
    """Whether a label says on which side of the body it lies: "LeftKidney", "kidney_l", "hippocampus rh"."""
    words = re.findall("[a-z0-9]+", _CAMEL.sub(" ", name).lower())
    return any(_SIDED.fullmatch(word) for word in words)


def _clearest(sides: Sequence[Side]) -> Side:
    return max(sides, key=lambda side: (side.same_sign, abs(side.median)))


def _largest(sides: Sequence[Side]) -> Side:
    """Of the numbers that count; of all where none was measured often enough."""
    counted = [side for side in sides if side.studies >= FEWEST]
    return max(counted or sides, key=lambda side: abs(side.median))


def sides_of(
    axis: int, axes: Sequence[int], studies: Sequence[StudyMeasures], names: Mapping[int, str]
) -> Iterator[Side]:
    """Every number that could tell the sides of an axis apart; ``axes`` are all along which a patch has an extent."""
    for first, second in combinations(names, 2):
        ways = [_way(study, axis, first, second) for study in studies if {first, second} <= study.labels.keys()]
        yield _side(f"from {names[first]} to {names[second]}", ways, SMALLEST_WAY)
    for value, name in names.items():
        ways = [_place(study, axis, value) for study in studies if value in study.labels]
        yield _side(f"from the middle to {name}", ways, SMALLEST_WAY)
    losses = _losses(axis, axes, [study.signature for study in studies], [len(study.channels) for study in studies])
    yield _side("likeness lost by mirroring", losses, SMALLEST_LOSS, unit="")


def _way(study: StudyMeasures, axis: int, first: int, second: int) -> float:
    one, other = study.labels[first], study.labels[second]
    spread = math.sqrt((one.spread_mm[axis] ** 2 + other.spread_mm[axis] ** 2) / 2)
    return (other.centre_mm[axis] - one.centre_mm[axis]) / max(spread, study.spacing_mm[axis] / 2)


def _place(study: StudyMeasures, axis: int, value: int) -> float:
    label = study.labels[value]
    return label.centre_mm[axis] / max(label.spread_mm[axis], study.spacing_mm[axis] / 2)


def _losses(axis: int, axes: Sequence[int], signatures: Sequence[bytes], channels: Sequence[int]) -> list[float]:
    """Per study its correlation with the mean of the others, less the same once it is mirrored."""
    size = channels[0] * GRID**3
    if any(len(signature) != size for signature in signatures):  # images of one slice, or of unlike channels
        return _losses_of_slices(axis, axes, signatures, channels)
    return _compare([values_of(one).reshape(channels[0], GRID, GRID, GRID) for one in signatures], axis + 1)


def _losses_of_slices(
    axis: int, axes: Sequence[int], signatures: Sequence[bytes], channels: Sequence[int]
) -> list[float]:
    size = channels[0] * GRID**2  # the axis of one voxel is not in a signature, so the others move up
    if axis not in axes or len(axes) != 2 or any(len(signature) != size for signature in signatures):
        return []
    images = [values_of(one).reshape(channels[0], GRID, GRID) for one in signatures]
    return _compare(images, 1 + sorted(axes).index(axis))


def _compare(images: list[npt.NDArray[np.float32]], axis: int) -> list[float]:
    total = np.sum(images, axis=0)
    losses = []
    for image in images:
        rest = total - image
        length = float(np.linalg.norm(rest))
        if length:
            losses.append(float(np.vdot(image, rest) - np.vdot(np.flip(image, axis), rest)) / length)
    return losses


def _side(what: str, values: Sequence[float], smallest: float, unit: str = " of the spread") -> Side:
    """A number with its verdict; never one-sided where it was measured in fewer than ``FEWEST`` studies."""
    if not values:
        return Side(what, 0.0, 0.0, 0, False)
    array = np.asarray(values)
    positive = float(np.mean(array > 0))
    median, same = float(np.median(array)), max(positive, float(np.mean(array < 0)))
    error = float(array.std(ddof=1)) / math.sqrt(len(array)) if len(array) > 1 else math.inf
    steady = abs(float(array.mean())) > WELL_ABOVE * error
    one_sided = len(array) >= FEWEST and same >= SAME_SIGN and abs(median) >= smallest and steady
    return Side(f"{what} {median:+.2f}{unit}", median, same, len(array), one_sided)


def _in_words(side: Side) -> str:
    return f"{side.what}, same sign in {side.same_sign:.0%} of {side.studies}"
