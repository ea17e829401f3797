"""What must hold for the scores of any two label maps under any policy, whatever the maps look like."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from medseg.metrics.hausdorff_variants import HD_VARIANTS
from medseg.metrics.metric import METRICS
from medseg.metrics.policy import NSD_WEIGHTINGS, POLICIES, MetricPolicy, choose_policy
from medseg.metrics.scores import LabelScore, score_maps

VALUES = {"one": (1,), "two": (2,), "both": (1, 2)}
BY_LESION = [key for key, metric in METRICS.items() if metric.by_lesion]
SHARES, DISTANCES, MEASURES = (
    [key for key, metric in METRICS.items() if metric.kind == kind] for kind in ("share", "distance", "measure")
)
VOLUMES = [key for key in MEASURES if METRICS[key].unit == "ml"]

Maps = tuple[np.ndarray, np.ndarray, tuple[float, ...]]
Scores = dict[str, LabelScore]


@st.composite
def pairs(draw: st.DrawFn) -> Maps:
    """Two label maps and a spacing: in one of three maps mostly background, in one of three one voxel thick."""
    shape = draw(array_shapes(min_dims=3, max_dims=3, max_side=6))
    if draw(st.integers(0, 2)) == 0:
        thin = draw(st.integers(0, 2))
        shape = tuple(1 if axis == thin else side for axis, side in enumerate(shape))
    found = st.sampled_from(draw(st.sampled_from([(0, 1, 2), (0, 0, 0, 0, 0, 1, 2), (0, 0, 0, 0, 1)])))
    prediction, reference = (draw(arrays(np.uint8, shape, elements=found)) for _ in range(2))
    edges = st.sampled_from([0.5, 0.75, 1.0, 2.5, 7.5])
    return prediction, reference, tuple(draw(edges) for _ in shape)


POLICY = st.builds(
    lambda name, variant, weighting: replace(choose_policy(name, hd_variant=variant), nsd_weighting=weighting),
    st.sampled_from(list(POLICIES)),
    st.sampled_from(tuple(HD_VARIANTS)),
    st.sampled_from(NSD_WEIGHTINGS),
)


def _score(pair: Maps, policy: MetricPolicy) -> Scores:
    prediction, reference, spacing_mm = pair
    return score_maps(prediction, reference, np.diag([*spacing_mm, 1.0]), VALUES, policy)


def _same(found: Mapping[str, float], expected: Mapping[str, float]) -> bool:
    return bool(found == pytest.approx(dict(expected), rel=1e-9, abs=1e-9, nan_ok=True))


@given(pairs(), POLICY)
def test_a_map_agrees_with_itself(pair: Maps, policy: MetricPolicy) -> None:
    reference, _, spacing_mm = pair
    nothing = (math.nan, math.nan) if policy.both_empty == "not_scored" else (1.0, 0.0)
    for name, score in _score((reference, reference, spacing_mm), policy).items():
        there = np.isin(reference, VALUES[name]).any()
        perfect, no_mm = (1.0, 0.0) if there else nothing
        assert score.state == ("scored" if there else "both_empty")
        assert _same({key: score.values[key] for key in SHARES}, dict.fromkeys(SHARES, perfect))
        assert _same({key: score.values[key] for key in DISTANCES}, dict.fromkeys(DISTANCES, no_mm))
        assert score.values["lesions_missed"] == score.values["lesions_hallucinated"] == 0.0
        assert score.values["difference_ml"] == 0.0 or math.isnan(score.values["difference_ml"])


@given(pairs(), POLICY)
def test_swapped_maps_swap_what_has_a_side_and_nothing_else(pair: Maps, policy: MetricPolicy) -> None:
    prediction, reference, spacing_mm = pair
    sides = [("precision", "recall"), ("prediction_ml", "reference_ml"), ("lesions_missed", "lesions_hallucinated")]
    other = dict(itertools.chain.from_iterable(((a, b), (b, a)) for a, b in sides))
    # Lesions have no such symmetry: two predicted parts on one lesion are one find, one part on two lesions two.
    # BraTS leaves small lesions out of the reference only.
    plain = policy.lesions.name == "default"
    skipped = {*BY_LESION, "difference_ml"} - ({"lesions_missed", "lesions_hallucinated"} if plain else set())
    swapped = _score((reference, prediction, spacing_mm), policy)
    for name, score in _score(pair, policy).items():
        ours = {key: value for key, value in score.values.items() if key not in skipped}
        assert _same(ours, {key: swapped[name].values[other.get(key, key)] for key in ours})
        assert _same({"": score.values["difference_ml"]}, {"": 0.0 - swapped[name].values["difference_ml"]})


@given(pairs())
def test_every_lesion_of_either_map_is_accounted_for(pair: Maps) -> None:
    prediction, reference, _ = pair
    for name, score in _score(pair, POLICIES["default"]).items():
        masks = [np.isin(labels, VALUES[name]) for labels in (prediction, reference)]
        (parts, _), (_, lesions) = (ndimage.label(mask, np.ones((3, 3, 3))) for mask in masks)
        touching = set(np.unique(parts[masks[1]]).tolist()) - {0}
        assert score.values["lesions_matched"] + score.values["lesions_missed"] == lesions
        assert score.values["lesions_hallucinated"] == parts.max() - len(touching)


@given(pairs(), POLICY, st.sampled_from([0.1, 0.3, 4.0]))
def test_distances_grow_with_the_spacing_volumes_with_its_cube_and_shares_do_not(
    pair: Maps, policy: MetricPolicy, factor: float
) -> None:
    prediction, reference, spacing_mm = pair
    power = {key: 1 if key in DISTANCES else 3 if key in VOLUMES else 0 for key in METRICS}
    flat = reference.shape.count(1) == 1  # there a lesion's volume is an area
    large = _score((prediction, reference, tuple(factor * edge for edge in spacing_mm)), _grown(policy, factor, flat))
    for name, score in _score(pair, policy).items():
        expected = {key: value * factor ** power[key] for key, value in score.values.items()}
        assert _same(large[name].values, expected)


def _grown(policy: MetricPolicy, factor: float, flat: bool) -> MetricPolicy:
    """The same rules with every length in them as much larger."""

    def length(mm: Any) -> Any:
        return mm if mm == "diagonal" else factor * mm

    rules = replace(
        policy.lesions,
        penalty_mm=length(policy.lesions.penalty_mm),
        ignored_up_to_mm3=factor ** (2 if flat else 3) * policy.lesions.ignored_up_to_mm3,
    )
    return replace(
        policy,
        one_empty_mm=length(policy.one_empty_mm),
        default_tolerance_mm=factor * policy.default_tolerance_mm,
        lesions=rules,
    )


@given(pairs(), POLICY, st.data())
def test_axes_may_be_flipped_and_reordered(pair: Maps, policy: MetricPolicy, data: st.DataObject) -> None:
    prediction, reference, spacing_mm = pair
    axes = data.draw(st.permutations(range(3)))
    flips = tuple(axis for axis in axes if data.draw(st.booleans()))
    turned = [np.flip(labels, flips).transpose(axes) for labels in (prediction, reference)]
    if data.draw(st.booleans()):
        turned = [np.asfortranarray(labels) for labels in turned]
    found = _score((*turned, tuple(spacing_mm[axis] for axis in axes)), policy)
    for name, score in _score(pair, policy).items():
        assert found[name].state == score.state
        assert _same(found[name].values, score.values)


@given(pairs(), POLICY, st.data())
def test_empty_room_around_changes_nothing_but_the_diagonal(
    pair: Maps, policy: MetricPolicy, data: st.DataObject
) -> None:
    """Cropping is the same, read backwards. A thin axis stays one voxel thick, or 2D would become 3D.

    The diagonal of the image, by default the penalty, does change: a fixed one takes its place.
    """
    prediction, reference, spacing_mm = pair
    policy = replace(policy, one_empty_mm=99.0, lesions=replace(policy.lesions, penalty_mm=98.0))
    sides = st.integers(0, 3)
    room = [(data.draw(sides), data.draw(sides)) if length > 1 else (0, 0) for length in reference.shape]
    padded = _score((np.pad(prediction, room), np.pad(reference, room), spacing_mm), policy)
    for name, score in _score(pair, policy).items():
        assert _same(padded[name].values, score.values)


@given(pairs(), st.sampled_from(tuple(HD_VARIANTS)), st.data())
def test_empty_room_lengthens_only_distances_of_what_is_absent(pair: Maps, variant: Any, data: st.DataObject) -> None:
    prediction, reference, spacing_mm = pair
    policy = choose_policy(hd_variant=variant)
    room = [(0, data.draw(st.integers(1, 3))) if length > 1 else (0, 0) for length in reference.shape]
    padded = _score((np.pad(prediction, room), np.pad(reference, room), spacing_mm), policy)
    for name, score in _score(pair, policy).items():
        values = score.values
        absent = {"lesion_hd95_mm"} if values["lesions_missed"] + values["lesions_hallucinated"] else set()
        if score.state in ("prediction_empty", "reference_empty"):
            absent |= set(DISTANCES)
        assert all(padded[name].values[key] >= values[key] for key in absent)
        kept = {key: value for key, value in values.items() if key not in absent}
        assert _same({key: padded[name].values[key] for key in kept}, kept)


@given(pairs(), POLICY)
def test_scores_keep_their_order_and_their_range(pair: Maps, policy: MetricPolicy) -> None:
    for score in _score(pair, policy).values():
        values = score.values
        if score.state == "both_empty":
            continue
        assert values["hd95_mm"] <= values["hd_mm"]
        assert values["assd_mm"] <= values["hd_mm"] * (1 + 1e-12)
        assert values["iou"] <= values["dice"] <= max(values["precision"], values["recall"])
        assert all(0.0 <= values[key] <= 1.0 for key in SHARES if not math.isnan(values[key]))
        assert all(values[key] >= 0.0 for key in DISTANCES if not math.isnan(values[key]))
