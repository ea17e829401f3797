"""Ways to ask for a search that cannot be made."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator

from damage import Make, Place, Words

LINE = "optimizer.lr: {low: 1.0e-3, high: 1.0e-2, log: true}\n"


def search(text: str, *words: object) -> Make:
    """A search of sound data in the space of a text."""

    def make(place: Place) -> Words:
        space = place.file("space.yaml", text)
        return ["tune", "--bundle", place.bundle, "--data", place.cohort, "--space", space, *words]

    return make


def without_space(place: Place) -> Words:
    return ["tune", "--bundle", place.bundle, "--data", place.cohort]


@contextlib.contextmanager
def no_optuna() -> Iterator[None]:
    """A machine without Optuna."""
    here = importlib.util.find_spec
    importlib.util.find_spec = lambda name, package=None: None if name == "optuna" else here(name, package)
    try:
        yield
    finally:
        importlib.util.find_spec = here
