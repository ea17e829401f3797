"""Pictures that cannot be data as they are; each gives a command."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from damage import Make, Place, Words
from damage_models import infer
from PIL import Image

_GREY = np.arange(64, dtype=np.uint8).reshape(8, 8)


def look_at(name: str, mode: str, **options: object) -> Make:
    """A check of data that hold a picture of this kind."""

    def make(place: Place) -> Words:
        Image.fromarray(_GREY).convert(mode).save(_folder(place, "pictures") / name, **options)
        return ["check", "--data", place.root / "pictures"]

    return make


def pages(place: Place) -> Words:
    first, second = Image.fromarray(_GREY), Image.fromarray(_GREY.T.copy())
    first.save(_folder(place, "pictures") / "stack.tif", save_all=True, append_images=[second])
    return ["check", "--data", place.root / "pictures"]


def numbered(place: Place) -> Words:
    """Label maps that number more than 255 objects, of which no one says so."""
    Image.fromarray(_GREY).save(_folder(place, "data/images") / "P1.png")
    Image.fromarray(_GREY.astype(np.uint16) * 5).save(_folder(place, "data/labels") / "P1.png")
    return ["check", "--data", place.root / "data"]


def for_volumes(place: Place) -> Words:
    """A picture, and a bundle for volumes."""
    Image.fromarray(_GREY).save(place.root / "P1.png")
    return infer(place, None, place.root / "P1.png")


def _folder(place: Place, name: str) -> Path:
    (place.root / name).mkdir(parents=True)
    return place.root / name
