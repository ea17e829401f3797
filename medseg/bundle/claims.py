"""Take back what a bundle says of how good it is, in a copy that is to hold other weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medseg.bundle.results import KEY

CARD = Path("docs") / "README.md"
HEADING = "## How good it is"
NOT_MEASURED = f"""{HEADING}

Not measured yet: these weights come from a training of their own, and what the bundle it began with says of its weights
does not hold for them. This writes what they reach into `configs/metadata.json`:

    python -m medseg.evaluate --bundle RUN --data DIR --output EVAL --update-bundle

"""


def metadata_without_results(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """A metadata.json that claims no results; everything else as it was."""
    return {**metadata, KEY: {}}


def card_without_results(text: str) -> str:
    """A card whose section "How good it is" says that nothing is measured.

    Args:
        text: Of docs/README.md; a card without that section is given back as it is.
    """
    before, heading, after = text.partition(f"{HEADING}\n")
    if not heading:
        return text
    _, following, rest = after.partition("\n## ")
    return before + NOT_MEASURED + following.lstrip("\n") + rest
