"""Values of a recipe that do not follow from the data: the one table where what measurement teaches is changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medseg.planning.yaml_text import Row

# Network. Which one "auto" means, by whether a patch can be halved alike along all axes. DynUNet keeps the full grid at
# its first level and can leave out thick slices at first; docs/explanation/recipe.md has what it learned per minute.
AUTO: Mapping[str, str] = {"even": "dynunet", "uneven": "dynunet", "2d": "unet"}
FIRST_FILTERS: Mapping[str, int] = {"unet": 32, "dynunet": 16, "segresnet": 16}  # of the first level; each next doubles
FIRST_FILTERS_ON_GPU = 32
MOST_FILTERS = 256
MOST_HALVINGS: Mapping[str, int] = {"unet": 4, "dynunet": 4, "segresnet": 3}

# Length. A run without a budget does about this many steps, whatever the number of studies.
STEPS = 4500
FEWEST_PATCHES = 50  # an epoch of fewer would be over before its speed is known
MOST_PATCHES_PER_STUDY = 8  # where a patch is a small part of a study
VALIDATIONS = 15  # in a run; each chooses among checkpoints

# Batch. Small ones bring many steps; pictures are small, so a step takes several.
BATCH = 2  # patches of a 3D step
BATCH_ON_GPU = 4  # where memory allows
DATA_SHARE_ON_GPU = 0.05  # a batch never holds more of the data's voxels than this, once it holds BATCH patches
PIXELS = 512 * 1024  # of a 2D step
BATCHES_2D = (2, 32)  # fewest and most

# Work of one step, in GFLOP (forward and backward): a step of about half a second on two cores of a CPU.
MOST_GFLOP: Mapping[str, float] = {"cpu": 60.0}
SMALLEST_EDGE = 16  # voxels; a patch is not shrunk below it along an axis that is longer
MOST_PADDING = 0.15  # of the median image that a patch may reach beyond it

FOREGROUND = 0.67  # share of patches centred on a label
FOLDS = 5
SEED = 0
VALIDATION_SHARE = 0.1  # where that is at least FEWEST_VALIDATING patients
VALIDATION_SHARE_SMALL = 0.2
FEWEST_VALIDATING = 8
CURRICULUM_SHARE = 0.4  # of a 3D run on patches of half the sides: +0.006 Dice on the hippocampus within the same time
OVERLAP = 0.5  # of two windows, in inference

ROTATION_PROBABILITY = 0.2
ROTATION_DEG = 15.0  # how bodies lie in a scanner
ROTATION_PROBABILITY_PICTURE = 0.5
ROTATION_DEG_PICTURE = 180.0  # a slide has no upright


def effect(probability: float, low: float, high: float) -> dict[str, Any]:
    """A random change as train.yaml writes it."""
    return {"probability": probability, "range": [low, high]}


def first_filters(network: str, device: str) -> int:
    """Filters of the first level of a network."""
    return max(FIRST_FILTERS[network], FIRST_FILTERS_ON_GPU if device == "cuda" else 0)


AUGMENTATION = (
    Row("scaling", effect(0.2, 0.85, 1.18), "factor: bodies differ in size by about a sixth"),
    Row("noise", effect(0.1, 0.0, 0.1), "standard deviation, in units of the normalised intensity"),
    Row("blur", effect(0.1, 0.5, 1.0), "Gaussian sigma, voxels: motion, thicker slices"),
    Row("brightness", effect(0.15, 0.75, 1.25), "factor: what normalisation leaves of the scanner's scale"),
    Row("contrast", effect(0.15, 0.75, 1.25), "factor about the mean: other settings of the scanner"),
    Row("low_resolution", effect(0.1, 0.5, 1.0), "factor of the matrix size: coarser acquisitions"),
    Row("gamma", effect(0.15, 0.7, 1.5), "exponent: contrast that is not linear"),
)
LOSS = (
    Row("dice", 1.0, "weight of the soft Dice of the labels, background left out"),
    Row("cross_entropy", 1.0, "weight; gives every voxel a gradient where Dice is flat"),
)
# The optimiser that trained each network on the hippocampus, and the learning rate it bore there.
_MUON = "adamw, muon or sgd; +0.011 Dice over adamw in 5 minutes of a DynUNet on the hippocampus, not measured here"
OPTIMIZER_NAME: Mapping[str, Row] = {
    "unet": Row("name", "adamw", "adamw, muon or sgd"),
    "dynunet": Row("name", "muon", _MUON),
    "segresnet": Row("name", "muon", _MUON),
}
# A DynUNet with Muon: half of what was best on the hippocampus after 2.5 minutes of a core, with most of its gain:
# no other data was tried; after 10 minutes any from 3e-3 to 1.2e-2 gave the same.
LEARNING_RATE: Mapping[str, float] = {"unet": 3.0e-3, "dynunet": 6.0e-3, "segresnet": 3.0e-3}
OPTIMIZER = (
    Row("weight_decay", 1.0e-2, "AdamW's own default"),
    Row("momentum", 0.95, "for muon and sgd; Muon's own default"),
)
SCHEDULE = (
    Row("name", "cosine", "cosine, poly or constant; it always ends where the run ends"),
    Row("warmup", 0.03, "share of the run in which lr rises from 0: Adam's averages are empty at first"),
    Row("final", 0.01, "share of lr that is left at the end"),
)
ENGINE = (
    Row("precision", "auto", "auto, fp32, bf16 or fp16; auto is bf16 where the device computes it natively"),
    Row("channels_last", "auto", "auto, yes or no; auto takes the layout that is faster on the device"),
    Row("accumulate", 1, "batches per step; more stands for a larger batch in the same memory"),
    Row("clip_norm", 12.0, "largest norm of the gradient, 0 for none: it stops explosions and nothing else"),
    Row("ema", 0.99, "share the averaged weights keep per step, 0 for none; the average is validated and shipped"),
)
VALIDATION = (
    Row("patience", None, "scorings without a better one before the run stops; null for never"),
    Row("keep", "best", "best or last: which weights become the bundle's"),
)
