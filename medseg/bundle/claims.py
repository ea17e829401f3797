"""Take back what a bundle says of how good it is, in a copy that is to hold other weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medseg.bundle.results import KEY

PAGE = Path("docs") / "README.md"
HEADING = "## How good it is"
OF_THEIR_OWN = f"""{HEADING}

These weights come from a training of their own; the numbers of the bundle it began with do not hold for them. What they
reach stands in `configs/metadata.json` under `eval_metrics` once it is measured:

    python -m medseg.evaluate --bundle RUN --data DIR --output EVAL --update-bundle

"""
# Sections and rows that `medseg package` writes of the weights it packs.
_OF_A_CARD = ("## Data and training", "## By group", "### Worst studies", "## Other forms of the network", "## Files")
_ROWS_OF_A_CARD = ("| Weights | SHA-256", "| Version |", "**Measured on so few", "**Nothing was measured")
OF_WEIGHTS = (Path("docs") / "gallery", Path("docs") / "recipe.yaml")


def metadata_without_results(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """A metadata.json that claims no results; everything else as it was."""
    return {**metadata, KEY: {}}


def page_without_results(text: str) -> str:
    """A bundle's page without what holds for its weights alone: numbers, and on a package's card how they were made.

    Args:
        text: Of docs/README.md; a page without such sections is given back as it is.
    """
    for heading in _OF_A_CARD:
        text = _replaced(text, heading, "")
    text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith(_ROWS_OF_A_CARD))
    return _replaced(text, HEADING, OF_THEIR_OWN)


def _replaced(text: str, heading: str, instead: str) -> str:
    """A text with something else in place of a section; as it is where it has none of that heading."""
    before, found, after = text.partition(f"{heading}\n")
    if not found:
        return text
    level = heading.split()[0]
    ends = [at for at in (after.find(f"\n{signs} ") for signs in {"##", level}) if at >= 0]
    rest = after[min(ends) + 1 :] if ends else ""
    return before + instead + rest
