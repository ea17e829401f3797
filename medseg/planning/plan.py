"""A plan: every choice that a bundle for a data set needs, each with its measured reason."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from medseg.core.errors import UsageError
from medseg.core.in_words import gigabytes, times
from medseg.core.split import Split
from medseg.core.types import Shape
from medseg.planning.fingerprint import Fingerprint
from medseg.planning.fit import Fit, Frame, choose_fit, least_fit
from medseg.planning.memory import prepared_gib
from medseg.planning.naming import REGIONS, Name, brats_names, names_of
from medseg.planning.normalisation import Normalisation, plan_normalisation
from medseg.planning.recipe import plan_recipe
from medseg.planning.spacing import resampled, target_spacing
from medseg.planning.yaml_text import Row

MEMORY_STEP = 0.1  # GiB; the advice after a refused --memory is rounded up to it


@dataclass(frozen=True)
class Options:
    """What the user asks of a plan.

    Attributes:
        name: Of the bundle.
        network: Row of ``NETWORKS``, or "auto".
        memory_gib: Limit of a training.
        budget_min: Wall time of a training, in minutes; None counts epochs.
        device: "cpu", "cuda" or "mps".
    """

    name: str
    network: str
    memory_gib: float
    budget_min: float | None
    device: str


@dataclass(frozen=True)
class Plan:
    """Everything a bundle says.

    Attributes:
        options: As asked for.
        data: What the data holds.
        channels: Names of the input channels, in order.
        labels: Names of the labels, in the order of the network's classes.
        values: Their written values.
        regions: Unions that are scored; empty for none.
        spacing_mm: Target, along right, front, top.
        spacing_why: Its reason.
        normalisation: Of intensities.
        shape: Median study at the target spacing, without what is cut off.
        fit: Patch, batch, network.
        prepared_gib: Of all studies in memory.
        split: Who trains, validates and is held out.
        recipe: Section of train.yaml to its rows; "" holds the seed.
    """

    options: Options
    data: Fingerprint
    channels: tuple[Name, ...]
    labels: tuple[Name, ...]
    values: tuple[int, ...]
    regions: Mapping[str, tuple[str, ...]]
    spacing_mm: tuple[float, float, float]
    spacing_why: str
    normalisation: Normalisation
    shape: Shape
    fit: Fit
    prepared_gib: float
    split: Split
    recipe: Mapping[str, tuple[Row, ...]]

    @property
    def axes(self) -> list[int]:
        """Axes that the network sees."""
        return [axis for axis in range(3) if axis != self.data.thin_axis]

    @property
    def window(self) -> list[int]:
        """The patch without an axis the network does not see."""
        return [self.fit.patch[axis] for axis in self.axes]


def make_plan(data: Fingerprint, options: Options, *, split: Split, smaller: int = 0) -> Plan:
    """The plan for a data set; equal arguments give equal plans.

    Args:
        data: What it holds.
        options: As asked for.
        split: Of its studies.
        smaller: How many patches that fit by the formula to pass over: a probe showed they take too much.

    Raises:
        UsageError: Not even the smallest patch fits the memory.
    """
    normalisation = plan_normalisation(data)
    spacing, why = target_spacing(data.spacings, data.shapes, data.thin_axis)
    shapes = resampled(data.boxes if normalisation.crop else data.shapes, data.spacings, spacing)
    shape = tuple(sorted(sizes)[len(sizes) // 2] for sizes in zip(*shapes, strict=True))
    fit = _fit(data, options, shape, spacing, shapes, smaller)
    values = tuple(sorted(data.labels))
    given = [data.source.labels[value] for value in values]
    brats = brats_names(given)
    labels = brats or names_of(given)
    return Plan(
        options=options,
        data=data,
        channels=names_of(data.source.channels),
        labels=labels,
        values=values,
        regions=REGIONS if brats else {},
        spacing_mm=spacing,
        spacing_why=why,
        normalisation=normalisation,
        shape=shape,
        fit=fit,
        prepared_gib=prepared_gib(shapes, len(data.source.channels)),
        split=split,
        recipe=plan_recipe(data, fit, shape, spacing, split=split, budget_min=options.budget_min),
    )


def _fit(
    data: Fingerprint,
    options: Options,
    shape: Shape,
    spacing: tuple[float, float, float],
    shapes: Sequence[Shape],
    smaller: int,
) -> Fit:
    frame = Frame(
        shape=shape,
        spacing_mm=spacing,
        thin_axis=data.thin_axis,
        largest=max([*data.shapes, *shapes], key=math.prod),  # as stored or as prepared
        voxels=sum(map(math.prod, shapes)),
        channels=len(data.source.channels),
        classes=len(data.labels) + 1,
        network=options.network,
        device=options.device,
    )
    fit = choose_fit(frame, options.memory_gib, smaller=smaller)
    if fit is None:
        raise UsageError(_too_little(options, least_fit(frame), frame.largest))
    return fit


def _too_little(options: Options, least: Fit, largest: Shape) -> str:
    """Why no patch fits, with what the smallest needs, or the largest study whatever the patch."""
    what = f"one of {times(least.patch)}"
    if least.demand.study_decides:
        what = f"segmenting the largest study, {times(largest)},"
    program = f", {least.demand.program_gib:.1f} GB of it for the program itself" if least.demand.program_gib else ""
    enough = math.ceil(least.demand.gib / MEMORY_STEP) * MEMORY_STEP
    return (
        f"--memory {gigabytes(options.memory_gib)}GB is too little for any patch: {what} needs "
        f"{gigabytes(least.demand.gib)} GB{program}. Give --memory {enough:.1f}GB or more"
    )
