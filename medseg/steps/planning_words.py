"""What medseg plan says to the user: of the data, of the plan, and of what the trial showed."""

from __future__ import annotations

import math
from typing import Any

from medseg.core.in_words import counted, gigabytes, times
from medseg.planning.fingerprint import Fingerprint
from medseg.planning.inference_text import candidates_in_words
from medseg.planning.normalisation import looks_like_ct
from medseg.planning.plan import Plan
from medseg.runs.progress import format_seconds
from medseg.steps.fingerprint import Found
from medseg.steps.planning_probe import Probe


def doubts(data: Fingerprint) -> list[str]:
    """What the user alone can say, one sentence each."""
    found = []
    if data.source.modality == "unknown":
        found.append(
            "nothing says which modality this is: intensities are normalised per study, as for MR. Give --modality CT, "
            "MR …"
        )
    if looks_like_ct(data):
        found.append(f"values reach down to {data.intensities[0].low:g}, as in CT; if it is, give --modality CT")
    return found


def data_lines(found: Found) -> list[str]:
    """What was found in the data."""
    data, dataset = found.fingerprint, found.dataset
    labels = ", ".join(
        f"{value} {data.source.labels[value]} in {one.present} of {data.studies}" for value, one in data.labels.items()
    )
    return [
        f"data      {dataset.layout}: '{dataset.root}'",
        f"studies   {data.studies}, of {counted(data.patients, 'patient')}",
        f"channels  {', '.join(dataset.channel_names)}",
        f"modality  {data.source.modality}, says {data.source.modality_from}",
        f"labels    {labels}",
        *(f"note      {note}" for note in found.notes),
    ]


def plan_lines(plan: Plan) -> list[str]:
    """What was chosen, each with its reason."""
    flips = plan.recipe["augmentation"][0]
    spacing = times(f"{length:g}" for length in plan.spacing_mm if length > 0)
    network = plan.fit.network
    return [
        f"spacing   {spacing} mm: {plan.spacing_why}",
        f"intensity {plan.normalisation.why}",
        f"network   {network.in_words}, {network.parameters / 1e6:.1f} million weights",
        f"patch     {times(plan.fit.patch)}, {plan.fit.batch} per step, of a median study of {times(plan.shape)}",
        f"mirroring {flips.value}: {flips.why}",
        *(f"after     {line}" for line in candidates_in_words(plan)),
    ]


def probe_lines(plan: Plan, tried: Probe) -> list[str]:
    """What a training will take: seconds and memory."""
    seconds = " and then ".join(f"{leg.step_s:.2f} s" for leg in tried.legs)
    return [
        f"tried     on {tried.device} in {tried.precision}: a step takes {seconds}, a study {tried.study_s:.1f} s",
        f"time      {_time(plan, tried)}",
        f"memory    {_memory(plan, tried)}",
    ]


def _time(plan: Plan, tried: Probe) -> str:
    rows, split = _recipe(plan), plan.split
    scoring_s = len(split.validation) * tried.study_s
    beside_s = tried.prepare_s * _kept_gib(plan) + scoring_s + tried.holdout_s * len(split.holdout) + tried.finish_s
    patches = len(split.train) * rows["patches_per_study"]
    per_epoch = [math.ceil(patches / leg.batch) for leg in tried.legs]
    step_s = [
        leg.step_s + scoring_s / (rows["every"] * count) for leg, count in zip(tried.legs, per_epoch, strict=True)
    ]
    if plan.options.budget_min is not None:
        left_s = max(plan.options.budget_min * 60 - beside_s, 0.0)
        steps = sum(int(leg.share * left_s / seconds) for leg, seconds in zip(tried.legs, step_s, strict=True))
        return f"about {steps} steps fit into {plan.options.budget_min:g} minutes, with preparing and scoring"
    epochs = rows["epochs"]
    early = round(epochs * tried.legs[0].share) if len(tried.legs) > 1 else 0
    counts = [n * count for n, count in zip((early, epochs - early)[-len(step_s) :], per_epoch, strict=True)]
    whole_s = sum(n * seconds for n, seconds in zip(counts, step_s, strict=True)) + beside_s
    return f"about {format_seconds(whole_s)} for {epochs} epochs, {sum(counts)} steps, with preparing and scoring"


def _memory(plan: Plan, tried: Probe) -> str:
    limit = f"within {gigabytes(plan.options.memory_gib)} GB"
    formula = f"formula: {plan.fit.demand.gib:.1f}"
    step = tried.needed_gib
    if tried.device.startswith("cuda"):
        return f"about {step:.1f} GB of the device ({formula}), {limit}"
    kept = _kept_gib(plan)
    if step + kept <= plan.options.memory_gib:
        return f"about {step + kept:.1f} GB in a training ({formula}), {limit}"
    return (
        f"about {step:.1f} GB in a training ({formula}), {limit} with --cache disk; {kept:.1f} GB more where prepared "
        "studies are kept in memory"
    )


def _kept_gib(plan: Plan) -> float:
    """Prepared studies of a training and its validation."""
    return plan.prepared_gib * (1 - len(plan.split.holdout) / plan.data.studies)


def _recipe(plan: Plan) -> dict[str, Any]:
    return {row.key: row.value for rows in plan.recipe.values() for row in rows}
