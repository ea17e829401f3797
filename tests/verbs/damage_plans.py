"""Ways to ask for a plan that cannot be made."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from damage import Make, Place, Words


def plan(place: Place, *words: object, data: Path | None = None) -> Words:
    return ["plan", "--data", data or place.cohort, "--name", "mine", *words]


def options(*words: object) -> Make:
    """A plan of sound data with these words added."""
    return lambda place: plan(place, *words)


def on(change: Callable[[Path], None]) -> Make:
    """A plan of data of which something was changed."""

    def make(place: Place) -> Words:
        data = place.data()
        change(data)
        return plan(place, data=data)

    return make


def label(change: Callable[[Path], None]) -> Make:
    """A plan of data of which one label map was changed."""
    return on(lambda data: change(data / "labelsTr" / "phantom_003.nii.gz"))


def copy_of_another(data: Path) -> None:
    """One patient's scan and label map under the name of another."""
    for folder in ("imagesTr", "labelsTr"):
        shutil.copy(data / folder / "phantom_000.nii.gz", data / folder / "phantom_001.nii.gz")


def existing(place: Place) -> Words:
    (place.out / "mine").mkdir(parents=True)
    return plan(place)
