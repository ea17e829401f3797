"""What is trained on what, once everything has been checked."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from medseg.bundle.read import Bundle
from medseg.core.recipe import Recipe
from medseg.core.split import Split
from medseg.engine.device import Precision
from medseg.engine.distributed import World
from medseg.recipe.layers import Resolved
from medseg.steps.data import Cohort
from medseg.steps.request import TrainRequest


@dataclass(frozen=True)
class Task:
    """A training that may begin.

    Attributes:
        request: As the user gave it.
        bundle: The model.
        resolved: Its recipe.
        cohort: The data.
        split: Who trains, validates, is held out.
        world: The processes.
        device: Where to compute.
        precision: With which arithmetic.
        began_s: When the command began, on the scale of time.monotonic.
    """

    request: TrainRequest
    bundle: Bundle
    resolved: Resolved
    cohort: Cohort
    split: Split
    world: World
    device: torch.device
    precision: Precision
    began_s: float

    @property
    def recipe(self) -> Recipe:
        """The typed recipe."""
        return self.resolved.recipe
