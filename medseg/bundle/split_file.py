"""The split.json of a bundle: which studies its weights were trained on and chosen by, so that no score counts them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

SPLIT = Path("configs") / "split.json"
CHOSE = "chose_postprocessing"  # studies whose label maps chose the end of the postprocessing; often absent
SEEN = ("train", "validation", CHOSE)


def split_faults(values: Mapping[str, Any]) -> list[str]:
    """What is wrong with a parsed split.json.

    Args:
        values: "train" and "validation", and whatever else the split in a run's run.json holds; study ids in lists.
    """
    return [
        f"{part}: {values.get(part)!r:.60}; write the ids of the studies in a list, []: none"
        for part in SEEN
        if not _are_ids(values.get(part, [] if part == CHOSE else None))
    ]


def _are_ids(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)
