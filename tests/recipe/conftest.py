"""A recipe that keeps every rule, as a bundle's train.yaml would say it."""

from typing import Any

import pytest

from medseg.recipe.layers import flatten
from medseg.recipe.yaml_file import parse_yaml

RECIPE = """
seed: 0
split: {folds: 5, validation_share: 0.2}
sampling: {patch: [16, 16, 16], batch: 2, patches_per_study: 2, foreground: 0.5}
curriculum: {share: 0.0, patch: [8, 8, 8], batch: 4}
augmentation:
  flip_axes: [0]
  rotation: {probability: 0.2, range: [-15, 15]}
  scaling: {probability: 0.2, range: [0.9, 1.1]}
  noise: {probability: 0.1, range: [0, 0.1]}
  blur: {probability: 0.1, range: [0.5, 1]}
  brightness: {probability: 0.1, range: [0.75, 1.25]}
  contrast: {probability: 0.1, range: [0.75, 1.25]}
  low_resolution: {probability: 0.1, range: [0.5, 1]}
  gamma: {probability: 0.1, range: [0.7, 1.5]}
loss: {dice: 1, cross_entropy: 1.0, batch_dice: false, deep_supervision: [1.0, 0.5]}
optimizer: {name: adamw, lr: 0.001, weight_decay: 0.01, momentum: 0.9}
schedule: {name: cosine, warmup: 0.05, final: 0.01}
length: {epochs: 10, budget_min: null}
engine: {precision: auto, channels_last: auto, accumulate: 1, clip_norm: 1.0, ema: 0.0}
validation: {every: 1, patience: null, keep: best}
"""


@pytest.fixture
def values() -> dict[str, Any]:
    """Dotted key to plain value, whole."""
    return flatten(parse_yaml(RECIPE, "recipe"))
