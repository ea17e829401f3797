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


def metadata_without_results(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """A metadata.json that claims no results; everything else as it was."""
    return {**metadata, KEY: {}}


def page_without_results(text: str) -> str:
    """A bundle's page whose section "How good it is" names no numbers.

    Args:
        text: Of docs/README.md; a page without that section is given back as it is.
    """
    before, heading, after = text.partition(f"{HEADING}\n")
    if not heading:
        return text
    _, following, rest = after.partition("\n## ")
    return before + OF_THEIR_OWN + following.lstrip("\n") + rest
