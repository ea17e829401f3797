"""The train.yaml of a plan: its recipe with a comment behind every value."""

from __future__ import annotations

from medseg.planning.plan import Plan
from medseg.planning.yaml_text import section

_NOTES = {"augmentation": "probability of each change and the range its strength is drawn from"}


def train_text(plan: Plan) -> str:
    """Text of configs/train.yaml."""
    name = plan.options.name
    lines = [
        f"# What      How {name} is trained: Dice and cross-entropy, on patches of {plan.data.studies} studies.",
        f"# Source    planned by medseg from {plan.data.source.title}; each reason gives what was measured in it",
        "# Expected  unknown until it is trained; docs/README.md keeps the numbers",
        f"# Time      about {plan.fit.gflop:.0f} GFLOP a step; medseg train --dry-run measures it",
        f"# Command   python -m medseg.train --bundle {name} --data DIR",
        "#",
        "# Data, no code. What the model is (network, spacing, normalisation, window) stands in inference.yaml alone.",
        "# YAML wants 1.0e-3; it reads 1e-3 as text.",
    ]
    for title, rows in plan.recipe.items():
        note = f"{title + ':':<32}# {_NOTES[title]}" if title in _NOTES else f"{title}:"
        lines += ["", *([note] if title else []), *section(rows, indent=2 if title else 0)]
    return "\n".join(lines) + "\n"
