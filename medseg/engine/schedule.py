"""The learning rate as a function of how far the run is, so that it ends where the run ends."""

from __future__ import annotations

import math

from medseg.core.recipe import ScheduleRecipe

POLY_POWER = 0.9  # Isensee et al. 2021 (nnU-Net), after DeepLab


def lr_share(progress: float, recipe: ScheduleRecipe) -> float:
    """Share of the recipe's learning rate at a point of the run.

    Args:
        progress: 0 at the start, 1 at the end, whatever the number of steps.
        recipe: Shape, share of the run spent warming up, and share left at the end.

    Returns:
        Rises linearly during the warm-up to 1, then falls to ``recipe.final``; "constant" stays at 1.
    """
    progress = min(max(progress, 0.0), 1.0)
    if progress < recipe.warmup:
        return progress / recipe.warmup
    if recipe.name == "constant":
        return 1.0
    done = (progress - recipe.warmup) / (1.0 - recipe.warmup)
    fall = 0.5 * (1.0 + math.cos(math.pi * done)) if recipe.name == "cosine" else (1.0 - done) ** POLY_POWER
    return recipe.final + (1.0 - recipe.final) * fall
