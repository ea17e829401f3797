"""The evaluate.yaml of a plan: labels, regions, tolerances."""

from __future__ import annotations

from medseg.planning.inference_text import label_list
from medseg.planning.plan import Plan
from medseg.planning.yaml_text import written


def evaluate_text(plan: Plan) -> str:
    """Text of configs/evaluate.yaml."""
    name = plan.options.name
    tolerance = float(f"{min(plan.spacing_mm[axis] for axis in plan.axes):.3g}")
    kind = "region" if plan.regions else "label"
    scored = plan.regions or [one.name for one in plan.labels]
    lines = [
        f"# What      How {name} is scored: labels, surface tolerance, acceptance.",
        f"# Source    planned by medseg: {label_list(plan)} of {plan.data.source.title}",
        f"# Expected  a row per {kind} in the report; docs/README.md keeps the numbers",
        "# Time      seconds per study",
        f"# Command   python -m medseg.evaluate --bundle {name} --data DIR --output DIR scores these",
        "",
        "labels:         # in the order of the network's classes; value: as written; aliases: what data sets call it",
        *(f"  {line}" for line in _labels(plan)),
        "",
        *_regions(plan),
        "",
        "tolerance_mm:   # a surface within this distance counts as right",
        *(f"  {written(one)}: {written(tolerance)}   # one voxel: experts rarely agree below it" for one in scored),
        "",
        "thresholds: {}  # metric to label to the least value accepted; none are set before the model is measured",
    ]
    return "\n".join(lines) + "\n"


def _labels(plan: Plan) -> list[str]:
    instances = {"instances": True} if plan.data.source.instances else {}
    return [
        f"{written(label.name)}: {written({'value': value, 'aliases': list(label.aliases), **instances})}"
        f"   # {_seen(plan, value)}"
        for value, label in zip(plan.values, plan.labels, strict=True)
    ]


def _seen(plan: Plan, value: int) -> str:
    found = plan.data.labels[value]
    low, middle, high = (f"{volume:.3g}" for volume in found.ml)
    return f"in {found.present} of {plan.data.studies} studies, {low} to {high} ml, median {middle}"


def _regions(plan: Plan) -> list[str]:
    if not plan.regions:
        return ["regions: {}     # none: labels are scored as they are"]
    rows = [f"  {written(region)}: {written(list(names))}" for region, names in plan.regions.items()]
    return ["regions:        # what is scored: unions of labels, as BraTS does", *rows]
