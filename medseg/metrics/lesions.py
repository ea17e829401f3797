"""Lesion by lesion: which were found, which missed, which are not there, and how well each was outlined."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from medseg.core.errors import GeometryError
from medseg.core.types import BoolArray, Shape
from medseg.metrics.boxes import Box, box_of, join
from medseg.metrics.connected import Parts, boxes_of, connected_parts, grow, widen
from medseg.metrics.hausdorff_variants import HD_VARIANTS
from medseg.metrics.lesion_rules import LesionRules
from medseg.metrics.mask_pair import compare_masks
from medseg.metrics.overlap import dice
from medseg.metrics.policy import penalty_of

LesionState = Literal["matched", "missed", "hallucinated", "ignored"]
COLUMNS = ("study", "label", "lesion", "state", "reference_ml", "prediction_ml", "dice", "hd95_mm")

_ROUNDING = 1e-9  # relative; 50 voxels of 1 mm³ must not be more than 50 mm³ by a last digit


@dataclass(frozen=True)
class Lesion:
    """One row of the lesion table.

    Attributes:
        number: From 1, lesions of the reference before hallucinated ones, in the order of the voxels.
        state: "ignored" is a lesion of the reference too small to count, found or not.
        reference_ml: Volume in the reference; 0 where hallucinated, nan in 2D.
        prediction_ml: Volume of all predicted parts that count to it; 0 where missed, nan in 2D.
        dice: Of the lesion against these parts; 0 where missed or hallucinated.
        hd95_mm: The same way; the penalty where missed or hallucinated.
    """

    number: int
    state: LesionState
    reference_ml: float
    prediction_ml: float
    dice: float
    hd95_mm: float

    def row(self, study: str, label: str) -> list[object]:
        """Cells in the order of ``COLUMNS``."""
        own = [self.number, self.state, self.reference_ml, self.prediction_ml, self.dice, self.hd95_mm]
        return [study, label, *own]


@dataclass(frozen=True)
class LesionScores:
    """All lesions of one label in one study, and their totals.

    Attributes:
        lesions: The table.
        matched: Lesions of the reference that were found.
        missed: Those that were not.
        hallucinated: Predicted parts that belong to none.
        ignored: Lesions of the reference too small to count.
        dice: Mean over matched, missed and hallucinated; nan where not scored.
        hd95_mm: Mean over the same, with the penalty.
        f1: 2 matched / (2 matched + missed + hallucinated).
    """

    lesions: tuple[Lesion, ...]
    matched: int
    missed: int
    hallucinated: int
    ignored: int
    dice: float
    hd95_mm: float
    f1: float


def score_lesions(
    prediction: BoolArray, reference: BoolArray, spacing_mm: tuple[float, ...], *, rules: LesionRules
) -> LesionScores:
    """Pair the lesions of two masks and score each.

    A lesion is what of the reference lies in one connected part of the grown reference; without growth, one
    connected part. A predicted part that shares a voxel with the (grown) lesion counts to it, with all its
    voxels; one part may count to several lesions and then costs Dice in each.

    Args:
        prediction: Boolean mask, (I, J, K) or (I, J).
        reference: Boolean mask on the same grid.
        spacing_mm: Voxel size along each axis.
        rules: What is one lesion and what it scores.

    Returns:
        Rows and totals. Nothing to find and nothing found: totals nan or perfect, as the rules say.

    Raises:
        GeometryError: The masks differ in shape, or have not two or three axes.

    Source: Saluja et al., lesion-wise metrics of BraTS 2023; see ``medseg.metrics.lesion_rules``.
    """
    _check(prediction, reference, spacing_mm)
    penalty_mm = penalty_of(rules.penalty_mm, reference.shape, spacing_mm)
    box = join([box_of(prediction), box_of(reference)])
    if box is None:
        return _totals((), rules)
    box = widen(box, rules.dilation)
    pair = _Pair(
        parts=connected_parts(prediction[box], rules.connectivity)[0],
        sites=connected_parts(grow(reference[box], rules.dilation), rules.connectivity)[0],
        reference=reference[box],
        spacing_mm=spacing_mm,
    )
    finds = pair.finds()
    lesions = [_lesion(number, members, pair, rules, penalty_mm) for number, members in finds.items()]
    found = {part for members in finds.values() for part in members}
    for part in range(1, len(pair.part_boxes) + 1):
        if part not in found:
            lesions.append(Lesion(len(lesions) + 1, "hallucinated", 0.0, pair.part_ml(part), 0.0, penalty_mm))
    return _totals(tuple(lesions), rules)


def score_missing(reference: BoolArray, spacing_mm: tuple[float, ...], *, rules: LesionRules) -> LesionScores:
    """Scores of a study without a usable prediction: every lesion is missed, and where none counts the worst score.

    Args:
        reference: Boolean mask, (I, J, K) or (I, J).
        spacing_mm: Voxel size along each axis.
        rules: What is one lesion and what it scores.

    Raises:
        GeometryError: The mask has not two or three axes.
    """
    scores = score_lesions(np.zeros_like(reference), reference, spacing_mm, rules=rules)
    return replace(scores, dice=0.0, hd95_mm=penalty_of(rules.penalty_mm, reference.shape, spacing_mm), f1=0.0)


@dataclass(frozen=True)
class _Pair:
    """Two masks in the box around both.

    Attributes:
        parts: The predicted parts, numbered.
        sites: The connected parts of the grown reference, numbered: where a prediction finds a lesion.
        reference: The reference as it is.
        spacing_mm: Voxel size along each axis.
    """

    parts: Parts
    sites: Parts
    reference: BoolArray
    spacing_mm: tuple[float, ...]

    @cached_property
    def part_boxes(self) -> list[Box]:
        return boxes_of(self.parts)

    @cached_property
    def site_boxes(self) -> list[Box]:
        return boxes_of(self.sites)

    @property
    def voxel_ml(self) -> float:
        return math.prod(self.spacing_mm) / 1000.0 if len(self.spacing_mm) == 3 else math.nan

    def part_ml(self, part: int) -> float:
        return int(np.count_nonzero(self.parts[self.part_boxes[part - 1]] == part)) * self.voxel_ml

    def finds(self) -> dict[int, list[int]]:
        """Lesion number to the predicted parts that share a voxel with its site."""
        shared = (self.parts > 0) & (self.sites > 0)
        sites, parts, step = self.sites[shared].astype(np.int64), self.parts[shared], len(self.part_boxes) + 1
        finds: dict[int, list[int]] = {number: [] for number in range(1, len(self.site_boxes) + 1)}
        for code in np.unique(sites * step + parts).tolist():
            finds[code // step].append(code % step)
        return finds

    def around(self, number: int, members: list[int]) -> Box:
        """The box that holds a lesion and the parts that found it."""
        box = join([self.site_boxes[number - 1], *(self.part_boxes[part - 1] for part in members)])
        assert box is not None, "a lesion has voxels"
        return box


def _lesion(number: int, members: list[int], pair: _Pair, rules: LesionRules, penalty_mm: float) -> Lesion:
    box = pair.around(number, members)
    own = pair.reference[box] & (pair.sites[box] == number)
    size_mm3 = int(np.count_nonzero(own)) * math.prod(pair.spacing_mm)  # mm² in 2D
    counts = size_mm3 > rules.ignored_up_to_mm3 * (1.0 + _ROUNDING)
    reference_ml = int(np.count_nonzero(own)) * pair.voxel_ml
    if not members:
        return Lesion(number, "missed" if counts else "ignored", reference_ml, 0.0, 0.0, penalty_mm)
    predicted = np.isin(pair.parts[box], members)
    prediction_ml = int(np.count_nonzero(predicted)) * pair.voxel_ml
    elements = HD_VARIANTS[rules.hd_variant].elements
    hd95_mm = compare_masks(predicted, own, pair.spacing_mm, elements=(elements,)).hausdorff_mm(
        95.0, variant=rules.hd_variant
    )
    state: LesionState = "matched" if counts else "ignored"
    return Lesion(number, state, reference_ml, prediction_ml, dice(predicted, own), hd95_mm)


def _totals(lesions: tuple[Lesion, ...], rules: LesionRules) -> LesionScores:
    states = [lesion.state for lesion in lesions]
    matched, missed, hallucinated = (states.count(state) for state in ("matched", "missed", "hallucinated"))
    counted = [lesion for lesion in lesions if lesion.state != "ignored"]
    mean_dice, mean_hd95, f1 = (1.0, 0.0, 1.0) if rules.none_at_all == "perfect" else (math.nan,) * 3
    if counted:
        mean_dice = float(np.mean([lesion.dice for lesion in counted]))
        mean_hd95 = float(np.mean([lesion.hd95_mm for lesion in counted]))
        f1 = 2 * matched / (2 * matched + missed + hallucinated)
    return LesionScores(lesions, matched, missed, hallucinated, states.count("ignored"), mean_dice, mean_hd95, f1)


def _check(prediction: BoolArray, reference: BoolArray, spacing_mm: tuple[float, ...]) -> None:
    shapes: tuple[Shape, Shape] = (prediction.shape, reference.shape)
    if shapes[0] != shapes[1] or reference.ndim not in (2, 3) or len(spacing_mm) != reference.ndim:
        raise GeometryError(
            f"The prediction has shape {shapes[0]}, the reference {shapes[1]}; {len(spacing_mm)} spacings are given. "
            "Bring both masks to one grid of two or three axes."
        )
