"""The expected_input of metadata.json: what a scan must look like for the model to mean anything on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KEY = "expected_input"
_KEYS = ("nonzero_ml_at_most", "because")


@dataclass(frozen=True)
class ExpectedInput:
    """What is expected of every channel.

    Attributes:
        nonzero_ml_at_most: Volume of voxels that are not 0: a skull-stripped brain has far fewer than a head.
        because: Why, for the reader of the warning.
    """

    nonzero_ml_at_most: float
    because: str


def expected_input_of(metadata: Mapping[str, Any]) -> ExpectedInput | None:
    """What a bundle expects of its input; None where it does not say, or says it wrongly."""
    given = metadata.get(KEY)
    if given is None or expected_input_faults(metadata):
        return None
    return ExpectedInput(float(given["nonzero_ml_at_most"]), str(given["because"]))


def expected_input_faults(metadata: Mapping[str, Any]) -> list[str]:
    """What is wrong with the expected_input of a metadata.json, one sentence each."""
    given = metadata.get(KEY)
    if given is None:
        return []
    if not isinstance(given, Mapping) or set(given) != set(_KEYS):
        return [f'{KEY}: {given!r}; write {{"nonzero_ml_at_most": number, "because": text}}']
    most = given["nonzero_ml_at_most"]
    right = isinstance(most, int | float) and not isinstance(most, bool) and most > 0
    return [] if right else [f"{KEY}.nonzero_ml_at_most: {most!r} is no volume in ml"]
