"""One study scored: every metric of every label and region, with the policy's say where a mask is empty."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from medseg.core.geometry import spacing_of
from medseg.core.types import Affine, BoolArray, LabelArray, Shape
from medseg.metrics.boxes import boxes_of_values
from medseg.metrics.connected import widen
from medseg.metrics.hausdorff_variants import HD_VARIANTS
from medseg.metrics.lesion_rules import LesionRules
from medseg.metrics.lesions import Lesion, score_lesions, score_missing
from medseg.metrics.mask_pair import compare_labels
from medseg.metrics.metric import METRICS, Measured
from medseg.metrics.overlap import same_grid
from medseg.metrics.placed import Cutout
from medseg.metrics.policy import MetricPolicy, State, penalised, penalty_of, state_of
from medseg.metrics.tags import tags_of

_OF_PREDICTION = ("prediction_ml", "difference_ml")  # unknown where there is no prediction; 0 ml would be a claim


@dataclass(frozen=True)
class LabelScore:
    """One label or region of one study.

    Attributes:
        state: What the two masks held.
        values: Key of ``METRICS`` to the score, penalties in place; nan where not scored.
        lesions: The table of lesions.
        tags: What is wrong in words: see ``medseg.metrics.tags``.
    """

    state: State
    values: Mapping[str, float]
    lesions: tuple[Lesion, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class StudyScores:
    """One study.

    Attributes:
        study: Its id.
        patient: Whose it is.
        labels: Label or region to its scores.
        failure: Why there is no usable prediction; empty where there is one.
        reference: What the reference holds, as a digest; two evaluations with others are not to be compared.
    """

    study: str
    patient: str
    labels: Mapping[str, LabelScore]
    failure: str = ""
    reference: str = ""


def score_maps(
    prediction: LabelArray,
    reference: LabelArray,
    affine_ras: Affine,
    values: Mapping[str, Sequence[int]],
    policy: MetricPolicy,
    *,
    image_mm: Sequence[float] | None = None,
) -> dict[str, LabelScore]:
    """Score a prediction.

    Args:
        prediction: Label map (I, J, K), uint8. A map one voxel thick is scored in its plane, in 2D: in 3D all of it
            would be surface.
        reference: On the same grid.
        affine_ras: Of both.
        values: Label or region to the values that make it up.
        policy: The rules.
        image_mm: As ``image_edges_mm`` gives it, of the image whose diagonal is a penalty; None for the maps' own grid.

    Returns:
        A score for each of ``values``, in their order.

    Raises:
        GeometryError: The maps differ in shape.
    """
    pair = _in_plane(prediction, reference, affine_ras, image_mm)
    limits = {HD_VARIANTS[policy.hd_variant].elements: math.inf}
    limits.setdefault(policy.nsd_weighting, max(map(policy.tolerance_of, values), default=0.0))
    compared = compare_labels(*pair.maps, pair.spacing_mm, values, elements=tuple(limits), limits_mm=limits)
    rules = _with_penalty(policy.lesions, pair)
    scores = {}
    for name, masks, place in _masks(pair, values, policy):
        counts = compared[name].overlap
        state = state_of(prediction_empty=counts.tp + counts.fp == 0, reference_empty=counts.tp + counts.fn == 0)
        measured = Measured(name, compared[name], score_lesions(*masks, pair.spacing_mm, rules=rules), policy)
        tags = pair.tags(masks, place, affine_ras, state=state, dice=counts.dice)
        scores[name] = LabelScore(state, _judged(measured, state, pair), measured.lesions.lesions, tags)
    return scores


def score_failed(
    reference: LabelArray,
    affine_ras: Affine,
    values: Mapping[str, Sequence[int]],
    policy: MetricPolicy,
    *,
    image_mm: Sequence[float] | None = None,
) -> dict[str, LabelScore]:
    """Scores of a study without a usable prediction: the worst there are, for every label.

    Args:
        reference: Label map (I, J, K), uint8.
        affine_ras: Of it.
        values: Label or region to the values that make it up.
        policy: The rules.
        image_mm: As in ``score_maps``.
    """
    pair = _in_plane(np.zeros_like(reference), reference, affine_ras, image_mm)
    compared = compare_labels(*pair.maps, pair.spacing_mm, values, elements=())
    rules = _with_penalty(policy.lesions, pair)
    scores = {}
    for name, masks, place in _masks(pair, values, policy):
        measured = Measured(name, compared[name], score_missing(masks[1], pair.spacing_mm, rules=rules), policy)
        judged = _judged(measured, "missing", pair) | dict.fromkeys(_OF_PREDICTION, math.nan)
        tags = pair.tags(masks, place, affine_ras, state="missing", dice=0.0)
        scores[name] = LabelScore("missing", judged, measured.lesions.lesions, tags)
    return scores


def image_edges_mm(shape: Shape, affine_ras: Affine) -> tuple[float, ...]:
    """Edges of an image in mm, from its outer edge to the other; of one that is one voxel thick, those of its plane."""
    edges = tuple(count * edge for count, edge in zip(shape, spacing_of(affine_ras), strict=True))
    thin = _thin_axis(shape)
    return tuple(edge for axis, edge in enumerate(edges) if axis != thin)


@dataclass(frozen=True)
class _Pair:
    """Prediction and reference, in 2D or 3D.

    Attributes:
        maps: Both label maps.
        spacing_mm: Along their axes.
        image_mm: Edges of the image whose diagonal is a penalty.
        thin: The axis of the image that they lack; None where they have all three.
    """

    maps: tuple[LabelArray, LabelArray]
    spacing_mm: tuple[float, ...]
    image_mm: tuple[float, ...]
    thin: int | None = None

    def tags(
        self, masks: tuple[BoolArray, BoolArray], place: Cutout, affine_ras: Affine, *, state: State, dice: float
    ) -> tuple[str, ...]:
        """What is wrong with a label whose masks were cut out there; left and right need all three axes."""
        if self.thin is not None:
            masks = np.expand_dims(masks[0], self.thin), np.expand_dims(masks[1], self.thin)
            place = place.thickened(self.thin)
        return tags_of(*masks, affine_ras, state=state, dice=dice, cutout=place)


def _in_plane(
    prediction: LabelArray, reference: LabelArray, affine_ras: Affine, image_mm: Sequence[float] | None
) -> _Pair:
    """Without the axis along which the maps are one voxel thick, where there is exactly one."""
    same_grid(prediction, reference)
    spacing_mm, thin = spacing_of(affine_ras), _thin_axis(reference.shape)
    image = image_edges_mm(reference.shape, affine_ras) if image_mm is None else tuple(image_mm)
    if thin is None:
        return _Pair((prediction, reference), spacing_mm, image)
    in_plane = tuple(edge for axis, edge in enumerate(spacing_mm) if axis != thin)
    return _Pair((prediction.squeeze(thin), reference.squeeze(thin)), in_plane, image, thin)


def _thin_axis(shape: Shape) -> int | None:
    """The only axis that is one voxel long; None where there is none, or several."""
    thin = [axis for axis, length in enumerate(shape) if length == 1]
    return thin[0] if len(thin) == 1 else None


def _with_penalty(rules: LesionRules, pair: _Pair) -> LesionRules:
    """The rules with their penalty as a number: lesions are scored in a box, and the image is larger."""
    return replace(rules, penalty_mm=penalty_of(rules.penalty_mm, *_as_one_voxel(pair.image_mm)))


def _as_one_voxel(image_mm: tuple[float, ...]) -> tuple[Shape, tuple[float, ...]]:
    """Shape and spacing of an image of which only the edges matter."""
    return (1,) * len(image_mm), image_mm


def _masks(
    pair: _Pair, values: Mapping[str, Sequence[int]], policy: MetricPolicy
) -> Iterator[tuple[str, tuple[BoolArray, BoolArray], Cutout]]:
    """Both masks of each name, cut to what they fill, and where; one at a time: memory does not grow with them."""
    boxes = boxes_of_values(pair.maps, list(values.values()))
    for (name, own), box in zip(values.items(), boxes, strict=True):
        around = (slice(1),) * len(pair.spacing_mm) if box is None else widen(box, policy.lesions.dilation + 1)
        prediction, reference = (np.isin(labels[around], own) for labels in pair.maps)
        yield name, (prediction, reference), Cutout(pair.maps[1].shape, tuple(span.start or 0 for span in around))


def _judged(measured: Measured, state: State, pair: _Pair) -> dict[str, float]:
    """Every metric, with the policy's value where a mask is empty."""
    values = {}
    for key, metric in METRICS.items():
        known = state == "scored" or metric.kind == "measure" or metric.by_lesion
        value = float(metric.value(measured)) if known else math.nan
        if not metric.by_lesion:
            shape, edges_mm = _as_one_voxel(pair.image_mm)
            value = penalised(value, state, measured.policy, kind=metric.kind, shape=shape, spacing_mm=edges_mm)
        values[key] = value
    return values
