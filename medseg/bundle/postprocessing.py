"""Steps that tidy a label map, as stock MONAI transforms: the candidates for the end of a bundle's postprocessing.

What MONAI 1.6.1 gives is uneven, and decides what the candidates are. ``KeepLargestConnectedComponentd`` and
``FillHolesd`` take the labels they are for. ``RemoveSmallObjectsd`` does not: with its default it counts the voxels of
each value where a map holds several, and looks at connected parts where it holds one only. Its one reading that is the
same for every map is ``independent_channels: false``, connected parts of all labels together; so this is what the
minimum volume is of. It takes the voxel size from the map itself, so ``min_size`` is in mm3 on any grid; rounded up to
whole voxels, parts of so many go as well with scikit-image 0.26, and stay with an older one, which is why it is pinned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_KEYS = ["pred"]
_ALL_NEIGHBOURS = 3  # voxels that share a face, an edge or a corner belong together, as in the other two by default


@dataclass(frozen=True)
class Cleaning:
    """One step over a label map.

    Attributes:
        words: What it does, for people.
        config: The transform as inference.yaml writes it; works on "pred", one channel of written label values.
        packages: What MONAI needs for it beyond its own dependencies.
    """

    words: str
    config: Mapping[str, Any]
    packages: tuple[str, ...] = ()


def keep_largest(name: str, value: int) -> Cleaning:
    """Only the largest connected part of one label stays."""
    return _cleaning(
        "KeepLargestConnectedComponentd", {"applied_labels": [value]}, f"largest part of {name}", "scikit-image"
    )


def keep_largest_of_all(values: Sequence[int]) -> Cleaning:
    """Only the largest connected part of all labels together stays, with the labels in it."""
    config = {"applied_labels": list(values), "independent": False}
    return _cleaning("KeepLargestConnectedComponentd", config, "largest part of all labels together", "scikit-image")


def remove_small_parts(most_mm3: float) -> Cleaning:
    """Connected parts of all labels together up to a volume go, the volume rounded up to whole voxels."""
    config = {
        "min_size": most_mm3,
        "by_measure": True,
        "independent_channels": False,
        "connectivity": _ALL_NEIGHBOURS,
    }
    words = f"no part of all labels together up to {most_mm3:g} mm3"
    return _cleaning("RemoveSmallObjectsd", config, words, "scikit-image")


def fill_holes(name: str, value: int) -> Cleaning:
    """What a label encloses on all sides becomes that label, other labels included."""
    return _cleaning("FillHolesd", {"applied_labels": [value]}, f"holes in {name} filled")


def _cleaning(target: str, config: Mapping[str, Any], words: str, *packages: str) -> Cleaning:
    return Cleaning(words, {"_target_": f"monai.transforms.{target}", "keys": list(_KEYS), **config}, packages)
