"""A network of one convolution, studies of a few voxels, and a training that takes a moment."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from medseg.core.random import generator_for
from medseg.core.recipe import (
    Augmentation,
    CurriculumRecipe,
    Effect,
    EngineRecipe,
    LengthRecipe,
    LossRecipe,
    OptimizerRecipe,
    Recipe,
    Sampling,
    ScheduleRecipe,
    SplitRecipe,
    ValidationRecipe,
)
from medseg.engine.batches import Patches
from medseg.engine.device import Precision
from medseg.engine.distributed import World
from medseg.engine.learner import Learner
from medseg.engine.pace import StepPace
from medseg.engine.training import EpochReport, Opening, Training
from medseg.transforms.prepared import Prepared

sys.path.insert(0, str(Path(__file__).parent))  # the tests of this folder share states.py

CPU = torch.device("cpu")
SOME = Effect(0.5, (0.9, 1.1))
RECIPE = Recipe(
    seed=0,
    split=SplitRecipe(5, 0.2),
    sampling=Sampling((8, 8, 8), batch=2, patches_per_study=2, foreground=0.5),
    curriculum=CurriculumRecipe(0.0, (4, 4, 4), 4),
    augmentation=Augmentation(
        (0,), Effect(0.5, (-20.0, 20.0)), SOME, Effect(0.5, (0.0, 0.1)), SOME, SOME, SOME, SOME, SOME
    ),
    loss=LossRecipe(1.0, 1.0, False, (1.0,)),
    optimizer=OptimizerRecipe("adamw", 1e-2, 1e-2, 0.9),
    schedule=ScheduleRecipe("cosine", 0.1, 0.01),
    length=LengthRecipe(4, None),
    engine=EngineRecipe("fp32", "no", 1, 1.0, 0.9),
    validation=ValidationRecipe(1, None, "best"),
)


class Tiny(nn.Module):
    """One convolution behind dropout, so that torch's own generator matters too."""

    def __init__(self, channels: int = 1, classes: int = 3) -> None:
        super().__init__()
        self.drop, self.norm = nn.Dropout(0.2), nn.BatchNorm3d(channels)
        self.conv = nn.Conv3d(channels, classes, 3, padding=1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.conv(self.drop(self.norm(image)))
        return logits


class Memory:
    """A watcher that remembers, and asks to stop after a number of steps."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.stop_after, self.steps = stop_after, 0
        self.losses: list[float] = []
        self.reports: list[EpochReport] = []
        self.saved: list[tuple[dict[str, Any], bool]] = []

    def wants_stop(self) -> bool:
        return self.stop_after is not None and self.steps + 1 >= self.stop_after

    def after_step(self, *, epoch: int, loss: float, progress: float) -> None:
        self.steps += 1
        self.losses.append(loss)

    def after_epoch(self, report: EpochReport) -> None:
        self.reports.append(report)

    def save(self, state: dict[str, Any], *, is_best: bool) -> None:
        self.saved.append((state, is_best))


def make_study(number: int, *, channels: int = 1, shape: tuple[int, ...] = (12, 12, 12)) -> Prepared:
    generator = generator_for(99, number)
    label = np.zeros(shape, np.uint8)
    label[2:7, 3:8, : max(1, shape[2] // 2)], label[4:6, 4:7, : max(1, shape[2] // 3)] = 1, 2
    image = (label[None] + generator.normal(0, 0.3, (channels, *shape))).astype(np.float32)
    positions = {c: np.argwhere(label == c).astype(np.int32) for c in (1, 2)}
    return Prepared(f"S{number}", image, label, positions, (1.0, 1.0, 1.0))


def make_learner(recipe: Recipe = RECIPE, network: nn.Module | None = None, **options: Any) -> Learner:
    torch.manual_seed(recipe.seed)
    settings = {"device": CPU, "precision": Precision("fp32", "cpu"), "channels_last": False, "world": World()}
    return Learner(Tiny() if network is None else network, recipe, **(settings | options))


def make_training(
    recipe: Recipe = RECIPE,
    *,
    epochs: int = 4,
    studies: int = 3,
    watcher: Memory | None = None,
    scores: Callable[[int], float] | None = None,
    state: dict[str, Any] | None = None,
    workers: int = 0,
    opening: Opening | None = None,
) -> Training:
    """A training of `epochs`; ``scores`` gives the validation Dice of an epoch counted from 1."""
    patches = Patches([make_study(n) for n in range(studies)], recipe.sampling, recipe.augmentation, seed=recipe.seed)
    learner = make_learner(recipe)
    total = epochs * len(patches.plan(0, World()))
    training = Training(learner, patches, StepPace(total), dict, watcher or Memory(), workers)
    training.validate = lambda: {"a": 0.5 if scores is None else scores(training.counters.epoch)}
    training.opening = opening
    if state is not None:
        training.restore(state)
        training.pace = StepPace(total, training.counters.steps)
    return training


@pytest.fixture
def tiny() -> SimpleNamespace:
    """What the tests of this folder build from."""
    return SimpleNamespace(
        recipe=RECIPE,
        change=lambda part, **values: replace(RECIPE, **{part: replace(getattr(RECIPE, part), **values)}),
        Network=Tiny,
        Memory=Memory,
        study=make_study,
        learner=make_learner,
        training=make_training,
    )
