"""Try steps on label maps of studies that the model had not seen: Dice and HD95 of each label, with and without."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from medseg.bundle.build import build_steps
from medseg.bundle.label_codes import named_values
from medseg.bundle.postprocessing import Cleaning
from medseg.bundle.postprocessing_run import Chain, run_steps
from medseg.bundle.read import Bundle
from medseg.core.geometry import spacing_of
from medseg.core.types import Affine, LabelArray
from medseg.metrics.boxes import box_of
from medseg.metrics.connected import widen
from medseg.metrics.mask_pair import MaskPair, compare_labels
from medseg.metrics.policy import POLICIES, penalised, state_of
from medseg.metrics.scores import image_edges_mm
from medseg.steps.evaluation_scoring import processes

# The default policy, but a label absent from both maps is right and not unscored: a step that takes away a false alarm
# must not lose the study in which it did.
POLICY = replace(POLICIES["default"], name="default+", both_empty="perfect")
_BORDER = 1  # background voxels kept around a label, so that its holes and borders stay what they are


@dataclass(frozen=True)
class LabelledMaps:
    """A prediction and a reference.

    Attributes:
        prediction: Label map (I, J, K), uint8, in the bundle's written values.
        reference: On the same grid, in the same values.
        affine_ras: Of both.
    """

    prediction: LabelArray
    reference: LabelArray
    affine_ras: Affine


@dataclass(frozen=True)
class LabelledStudy:
    """A study whose prediction was made by a model that had not seen it.

    Attributes:
        id: Of the study.
        patient: Whose it is.
        read: Gives its maps; called again in every round, so that memory does not grow with the studies. Must be
            picklable where several processes are asked for.
    """

    id: str
    patient: str
    read: Callable[[], LabelledMaps]


@dataclass(frozen=True)
class Scores:
    """One study under one chain.

    Attributes:
        dice: Label or region to Dice.
        hd95_mm: Label or region to HD95.
    """

    dice: Mapping[str, float]
    hd95_mm: Mapping[str, float]


@dataclass(frozen=True)
class StudyTrial:
    """One study in one round.

    Attributes:
        now: With the steps kept so far.
        then: With each candidate besides, in their order.
    """

    now: Scores
    then: tuple[Scores, ...]


def try_steps(
    studies: Sequence[LabelledStudy],
    bundle: Bundle,
    *,
    kept: Sequence[Cleaning],
    candidates: Sequence[Cleaning],
    workers: int = 1,
    advance: Callable[[], None] = lambda: None,
) -> list[StudyTrial]:
    """Score every study with the kept steps, and with each candidate behind them.

    Args:
        studies: To score.
        bundle: Names labels and regions.
        kept: Steps that are applied in any case, in their order.
        candidates: Steps of which each is tried alone.
        workers: Processes.
        advance: Called after each study.
    """
    task = partial(
        _try_study,
        values=dict(named_values(bundle.labels)),
        kept=build_steps(bundle, [step.config for step in kept]),
        candidates=[build_steps(bundle, [step.config]) for step in candidates],
    )
    if workers == 1:
        return _collected(map(task, studies), advance)
    with processes(min(workers, len(studies))) as pool:
        return _collected(pool.map(task, studies), advance)


def score(maps: LabelledMaps, values: Mapping[str, Sequence[int]]) -> Scores:
    """Dice and HD95 by ``POLICY``.

    Args:
        maps: One voxel thick along one axis or not; if so they are scored in their plane.
        values: Label or region to the values that make it up.
    """
    spacing: tuple[float, ...] = spacing_of(maps.affine_ras)
    thin = [axis for axis, size in enumerate(maps.reference.shape) if size == 1]
    prediction, reference = maps.prediction, maps.reference
    if len(thin) == 1:
        prediction, reference = prediction.squeeze(thin[0]), reference.squeeze(thin[0])
        spacing = tuple(edge for axis, edge in enumerate(spacing) if axis != thin[0])
    edges = image_edges_mm(maps.reference.shape, maps.affine_ras)
    pairs = compare_labels(prediction, reference, spacing, values, elements=("voxel",))
    scored = {name: _judged(pair, edges) for name, pair in pairs.items()}
    return Scores({name: one[0] for name, one in scored.items()}, {name: one[1] for name, one in scored.items()})


def cleaned(labels: LabelArray, affine_ras: Affine, chain: Chain) -> LabelArray:
    """A label map behind a chain of steps, exactly as the bundle's own chain would give it.

    Args:
        labels: Written values (I, J, K), uint8.
        affine_ras: Of the map; its voxel size counts where a step has a volume.
        chain: As ``build_steps`` builds it.
    """
    box = box_of(labels > 0)
    if box is None:
        return labels
    around = widen(box, _BORDER)
    whole = np.zeros_like(labels)
    whole[around] = run_steps(labels[around], affine_ras, chain)
    return whole


def _try_study(
    study: LabelledStudy, values: Mapping[str, Sequence[int]], kept: Chain, candidates: Sequence[Chain]
) -> StudyTrial:
    maps = study.read()
    now = cleaned(maps.prediction, maps.affine_ras, kept)
    known = score(replace(maps, prediction=now), values)
    then = []
    for candidate in candidates:
        tried = cleaned(now, maps.affine_ras, candidate)
        same = np.array_equal(tried, now)  # most studies hold nothing to tidy; scoring takes far longer than looking
        then.append(known if same else score(replace(maps, prediction=tried), values))
    return StudyTrial(known, tuple(then))


def _judged(pair: MaskPair, edges_mm: tuple[float, ...]) -> tuple[float, float]:
    counts = pair.overlap
    state = state_of(prediction_empty=counts.tp + counts.fp == 0, reference_empty=counts.tp + counts.fn == 0)
    hd95 = pair.hausdorff_mm(95.0, variant=POLICY.hd_variant) if state == "scored" else math.nan
    one = (1,) * len(edges_mm)  # of an image only its edges matter here
    dice = penalised(counts.dice, state, POLICY, kind="share", shape=one, spacing_mm=edges_mm)
    return dice, penalised(hd95, state, POLICY, kind="distance", shape=one, spacing_mm=edges_mm)


def _collected(trials: Iterable[StudyTrial], advance: Callable[[], None]) -> list[StudyTrial]:
    found = []
    for one in trials:
        found.append(one)
        advance()
    return found
