"""The recipe of a plan: every value of train.yaml with its measured reason."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from medseg.core.in_words import times
from medseg.core.split import Split
from medseg.core.types import Shape
from medseg.planning import recipe_defaults as defaults
from medseg.planning.fingerprint import Fingerprint, is_patient
from medseg.planning.fit import Fit
from medseg.planning.parts import validation_share
from medseg.planning.recipe_defaults import effect
from medseg.planning.spacing import has_thick_slices
from medseg.planning.topology import multiples
from medseg.planning.yaml_text import Row

MOST_COVERED = 0.5  # of the median study: a patch of this share holds nearly always what the study holds
_SEED_WHY = "of split, weights, patches and changes; the same seed on a CPU gives the same weights"
NEARLY_ALWAYS = 0.95  # share of the studies that hold a label


def plan_recipe(
    data: Fingerprint,
    fit: Fit,
    shape: Shape,
    spacing_mm: tuple[float, float, float],
    *,
    split: Split,
    budget_min: float | None,
) -> dict[str, tuple[Row, ...]]:
    """Section to rows, in the order of train.yaml; "" holds what stands in no section.

    Args:
        data: What the data holds.
        fit: Patch, batch, network.
        shape: Median study at the target spacing.
        spacing_mm: Target.
        split: Of the studies: an epoch runs over those that train.
        budget_min: Wall time of a training; None counts epochs.
    """
    name = fit.network.name
    training = len(split.train)
    per_study = _patches_per_study(fit, shape, training)
    curriculum = _curriculum(fit)
    return {
        "": (Row("seed", defaults.SEED, _SEED_WHY),),
        "split": _split(data),
        "sampling": _sampling(data, fit, shape, per_study),
        "curriculum": curriculum,
        "augmentation": (
            Row("flip_axes", _flips(data), _flip_reason(data)),
            _rotation(data, fit, spacing_mm),
            *defaults.AUGMENTATION,
        ),
        "loss": _loss(data, fit, shape),
        "optimizer": (
            defaults.OPTIMIZER_NAME[name],
            Row("lr", defaults.LEARNING_RATE[name], f"at the peak of the schedule; what {name} bears"),
            *defaults.OPTIMIZER,
        ),
        "schedule": defaults.SCHEDULE,
        **_length(fit, training, per_study, float(curriculum[0].value), budget_min),
    }


def _split(data: Fingerprint) -> tuple[Row, ...]:
    share = validation_share(data.patients)
    return (
        Row(
            "folds", defaults.FOLDS, f"parts of the {data.patients} patients; one is held out, scored once, at the end"
        ),
        Row("validation_share", share, "of the patients not held out: they choose the best checkpoint"),
    )


def _patches_per_study(fit: Fit, shape: Shape, training: int) -> int:
    """As many as cover a study, and so many that an epoch is not over at once."""
    covering = round(math.prod(shape) / math.prod(fit.patch))
    return max(min(covering, defaults.MOST_PATCHES_PER_STUDY), math.ceil(defaults.FEWEST_PATCHES / training), 1)


def _sampling(data: Fingerprint, fit: Fit, shape: Shape, per_study: int) -> tuple[Row, ...]:
    covered = math.prod(fit.patch) / math.prod(shape)
    why = f"the median study is {times(shape)} at this spacing, {_share_in_words(covered)}; "
    why += multiples(fit.network.divisor)
    if fit.patch_is_cut:
        why += "; smaller than the study to stay within memory and time of a step"
    present = f"labels are {data.foreground_share:.2%} of a study (median)"
    steps = f"patches per step, about {fit.gflop:.0f} GFLOP: "
    fewer = f"not {fit.largest_batch}, to stay within memory and time of a step"
    return (
        Row("patch", list(fit.patch), why),
        Row("batch", fit.batch, steps + (fewer if fit.batch_is_cut else "small, so that there are many steps")),
        Row("patches_per_study", per_study, "an epoch is this many patches of every training study"),
        Row("foreground", defaults.FOREGROUND, f"share of patches centred on a label, each equally often; {present}"),
    )


def _curriculum(fit: Fit) -> tuple[Row, ...]:
    """Patches of half the sides at first, twice as many a step; only in 3D, where it was measured."""
    patch = half_patch(fit)
    smaller = 1 not in fit.patch and patch != fit.patch
    return (
        Row(
            "share",
            defaults.CURRICULUM_SHARE if smaller else 0.0,
            "of the run's time, without a budget of its epochs, on smaller patches: more steps a minute at first"
            if smaller
            else "of the run on smaller patches; 0 for none",
        ),
        Row("patch", list(patch), f"half of each side, rounded up: {multiples(fit.network.divisor)}"),
        Row("batch", 2 * fit.batch, "patches per step: a smaller patch leaves room for more"),
    )


def half_patch(fit: Fit) -> Shape:
    """Half of each side, rounded up to what the network can halve; the axis that a 2D network does not see stays 1."""
    units = iter(fit.network.divisor)
    return tuple(1 if side == 1 else _rounded_up(side / 2, next(units)) for side in fit.patch)


def _rounded_up(side: float, unit: int) -> int:
    return math.ceil(side / unit) * unit


def _flips(data: Fingerprint) -> list[int]:
    return [one.axis for one in data.mirroring if one.allowed]


def _flip_reason(data: Fingerprint) -> str:
    return "; ".join(one.reason for one in data.mirroring)


def _rotation(data: Fingerprint, fit: Fit, spacing_mm: tuple[float, float, float]) -> Row:
    """In the slice alone for 2D; small where slices are thick, since a turn out of the slice mixes them."""
    probability, limit = defaults.ROTATION_PROBABILITY, defaults.ROTATION_DEG
    if not is_patient(data.source.modality):
        probability, limit = defaults.ROTATION_PROBABILITY_PICTURE, defaults.ROTATION_DEG_PICTURE
        why = "degrees within the image: it has no upright"
    elif data.thin_axis is not None:
        why = "degrees within the slice: how bodies lie in the scanner"
    elif (turn := _turn_of_thick_slices(fit, spacing_mm)) < limit:
        limit = turn
        why = (
            f"degrees about each axis; slices are {max(spacing_mm):g} mm thick: no part of a patch leaves its slice far"
        )
    else:
        why = "degrees about each axis: how bodies lie in the scanner"
    return Row("rotation", effect(probability, -limit, limit), why)


def _turn_of_thick_slices(fit: Fit, spacing_mm: tuple[float, float, float]) -> float:
    """Degrees that move the edge of a patch by one slice; no limit where no axis has thick slices."""
    if not has_thick_slices(spacing_mm):
        return math.inf
    thick = max(range(3), key=lambda axis: spacing_mm[axis])
    half_mm = max(fit.patch[axis] * spacing_mm[axis] for axis in range(3) if axis != thick) / 2
    return float(f"{math.degrees(math.atan2(spacing_mm[thick], half_mm)):.2g}")


def _loss(data: Fingerprint, fit: Fit, shape: Shape) -> tuple[Row, ...]:
    covered = math.prod(fit.patch) / math.prod(shape)
    fewest = min((one.present / data.studies for one in data.labels.values()), default=0.0)
    whole = covered >= MOST_COVERED and fewest >= NEARLY_ALWAYS
    why = (
        f"each label is in {fewest:.0%} of the studies{' or more' if fewest < 1 else ''}, {_share_in_words(covered)}: "
    )
    why += "Dice of each patch by itself" if whole else "one Dice over the batch, a patch without a label is no failure"
    return (
        *defaults.LOSS,
        Row("batch_dice", not whole, why),
        Row(
            "deep_supervision",
            [1.0],
            "one output: coarser ones took a DynUNet 5 % of its steps and gained nothing",
        ),
    )


def _length(
    fit: Fit, training: int, per_study: int, early_share: float, budget_min: float | None
) -> Mapping[str, tuple[Row, ...]]:
    patches = training * per_study
    early, late = math.ceil(patches / (2 * fit.batch)), math.ceil(patches / fit.batch)
    epochs = max(1, math.ceil(defaults.STEPS / (early_share * early + (1 - early_share) * late)))
    first = round(epochs * early_share)
    steps = first * early + (epochs - first) * late
    an_epoch = f"{early} and then {late}" if first else f"{late}"
    budget: Any = "minutes; where given, the run ends there and not after epochs (--budget 20m)"
    every = max(1, round(epochs / defaults.VALIDATIONS))
    scorings = f"epochs between two scorings of the validation studies: about {defaults.VALIDATIONS} in a run"
    return {
        "length": (
            Row("epochs", epochs, f"about {steps} steps: {an_epoch} in an epoch of {training} training studies"),
            Row("budget_min", budget_min, budget),
        ),
        "engine": defaults.ENGINE,
        "validation": (
            Row("every", every, scorings),
            *defaults.VALIDATION,
        ),
    }


def _share_in_words(covered: float) -> str:
    return "a patch covers it whole" if covered >= 1 else f"a patch has {covered:.0%} of its voxels"
