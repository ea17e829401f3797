"""How a model is trained, as plain values: the shape of a bundle's train.yaml.

Every field must be given in train.yaml; nothing has a hidden default. The ``Limits`` beside a type
are what ``medseg.recipe`` checks before anything heavy is imported.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class Limits:
    """What a value may be.

    Attributes:
        low: Smallest value.
        high: Largest value.
        open_low: ``low`` itself is not allowed.
        choices: The words allowed; empty for any.
    """

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    choices: tuple[str, ...] = ()


def _choice(*names: str) -> Limits:
    return Limits(choices=names)


_POSITIVE = Limits(0.0, open_low=True)
_NOT_NEGATIVE = Limits(0.0)
_COUNT = Limits(1)
_SHARE = Limits(0.0, 1.0)


@dataclass(frozen=True)
class SplitRecipe:
    """Which patients train."""

    folds: Annotated[int, Limits(2)]
    validation_share: Annotated[float, Limits(0.0, 0.5, open_low=True)]


@dataclass(frozen=True)
class Sampling:
    """Which part of a volume a step sees.

    ``patch`` is in voxels of the bundle's spacing; 1 along an axis feeds slices to a 2D network.
    """

    patch: Annotated[tuple[int, ...], _COUNT]
    batch: Annotated[int, _COUNT]
    patches_per_study: Annotated[int, _COUNT]
    foreground: Annotated[float, _SHARE]


@dataclass(frozen=True)
class CurriculumRecipe:
    """Smaller patches at the start of a run, of which a minute holds more steps; ``share`` 0 for none.

    ``share`` is of the run's time where it has a budget, of its epochs where it has not.
    """

    share: Annotated[float, Limits(0.0, 0.9)]
    patch: Annotated[tuple[int, ...], _COUNT]
    batch: Annotated[int, _COUNT]


@dataclass(frozen=True)
class Effect:
    """A random change: how often, and the range its strength is drawn from."""

    probability: Annotated[float, _SHARE]
    range: tuple[float, float]


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a patch, in the order they are applied."""

    flip_axes: Annotated[tuple[int, ...], Limits(0, 2)]
    rotation: Effect  # degrees, each axis
    scaling: Effect  # factor, one for all axes
    noise: Effect  # standard deviation, in units of the normalised intensity
    blur: Effect  # Gaussian sigma, voxels
    brightness: Effect  # factor
    contrast: Effect  # factor about the mean
    low_resolution: Effect  # factor of the matrix size
    gamma: Effect  # exponent


@dataclass(frozen=True)
class LossRecipe:
    """Dice plus cross-entropy."""

    dice: Annotated[float, _NOT_NEGATIVE]
    cross_entropy: Annotated[float, _NOT_NEGATIVE]
    batch_dice: bool
    deep_supervision: Annotated[tuple[float, ...], _NOT_NEGATIVE]


@dataclass(frozen=True)
class OptimizerRecipe:
    """What turns gradients into steps. ``momentum`` is used by muon and sgd."""

    name: Annotated[str, _choice("adamw", "muon", "sgd")]
    lr: Annotated[float, _POSITIVE]
    weight_decay: Annotated[float, _NOT_NEGATIVE]
    momentum: Annotated[float, _SHARE]


@dataclass(frozen=True)
class ScheduleRecipe:
    """Learning rate over the run, as shares of ``optimizer.lr``; it ends where the run ends."""

    name: Annotated[str, _choice("cosine", "poly", "constant")]
    warmup: Annotated[float, Limits(0.0, 0.5)]
    final: Annotated[float, _SHARE]


@dataclass(frozen=True)
class LengthRecipe:
    """When the run ends: after ``epochs``, or after ``budget_min`` minutes where that is given."""

    epochs: Annotated[int, _COUNT]
    budget_min: Annotated[float | None, _POSITIVE]


@dataclass(frozen=True)
class EngineRecipe:
    """How steps are computed."""

    precision: Annotated[str, _choice("auto", "fp32", "bf16", "fp16")]
    channels_last: Annotated[str, _choice("auto", "yes", "no")]
    accumulate: Annotated[int, _COUNT]
    clip_norm: Annotated[float, _NOT_NEGATIVE]
    ema: Annotated[float, Limits(0.0, 0.99999)]


@dataclass(frozen=True)
class ValidationRecipe:
    """How often the validation studies are scored, and what follows from it."""

    every: Annotated[int, _COUNT]
    patience: Annotated[int | None, _COUNT]
    keep: Annotated[str, _choice("best", "last")]


@dataclass(frozen=True)
class Recipe:
    """Everything train.yaml says."""

    seed: Annotated[int, Limits(0)]
    split: SplitRecipe
    sampling: Sampling
    curriculum: CurriculumRecipe
    augmentation: Augmentation
    loss: LossRecipe
    optimizer: OptimizerRecipe
    schedule: ScheduleRecipe
    length: LengthRecipe
    engine: EngineRecipe
    validation: ValidationRecipe
