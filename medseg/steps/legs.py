"""The parts of a run, each with patches of one size, and how long their steps take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from medseg.core.recipe import Recipe, Sampling
from medseg.engine.batches import Patches
from medseg.engine.distributed import leader_says
from medseg.engine.probe import Speed, measure
from medseg.steps.parts import Parts
from medseg.transforms.prepared import Prepared


@dataclass(frozen=True)
class Leg:
    """A part of a run.

    Attributes:
        patches: What is learned from.
        share: Of the run: of its time where it has a budget, of its epochs where it has not.
        speed: What the probe measured.
        per_epoch: Steps of an epoch.
        mean_s: Seconds of a step with its share of the validations between steps.
    """

    patches: Patches
    share: float
    speed: Speed
    per_epoch: int
    mean_s: float


def samplings(recipe: Recipe) -> list[tuple[float, Sampling]]:
    """Shares of a run and how patches are taken in each: one, or two where the recipe has a curriculum."""
    early, later = recipe.curriculum, recipe.sampling
    if not early.share:
        return [(1.0, later)]
    first = Sampling(early.patch, early.batch, later.patches_per_study, later.foreground)
    return [(early.share, first), (1.0 - early.share, later)]


def measure_legs(parts: Parts, train: Sequence[Prepared], validation: Sequence[Prepared]) -> list[Leg]:
    """The parts of a run in their order, a few steps of each timed; every process must call it.

    Args:
        parts: From ``build_parts``, before the first step.
        train: Prepared training studies.
        validation: Prepared validation studies; one of them is segmented.
    """
    learner, legs = parts.learner, list[Leg]()
    recipe, world = learner.recipe, learner.world
    for share, sampling in samplings(recipe):
        patches = Patches(train, sampling, recipe.augmentation, seed=recipe.seed)
        if legs:  # a study takes as long in every leg, and minutes where it is large
            speed = replace(measure(learner, patches, lambda: None), study_s=legs[0].speed.study_s)
        else:
            speed = measure(learner, patches, lambda: parts.validate(validation[:1]))
        speed = leader_says(speed, world)
        per_epoch = len(patches.plan(0, world))
        between = recipe.validation.every * per_epoch
        scoring_s = validation_s(speed, len(validation), world.size)
        legs.append(Leg(patches, share, speed, per_epoch, speed.step_s + scoring_s / between))
    return legs


def validation_s(speed: Speed, studies: int, ranks: int) -> float:
    """Seconds in which these processes score the validation studies together."""
    return speed.study_s * math.ceil(studies / ranks)


def lengths_ahead(lengths: Sequence[float], done: float) -> list[float]:
    """What is left of lengths laid end to end, behind a point.

    Args:
        lengths: Of the parts, in their order, in any unit.
        done: The point, counted from the start of the first, in the same unit.
    """
    ahead, end = [], 0.0
    for length in lengths:
        end += length
        ahead.append(min(max(end - done, 0.0), length))
    return ahead
