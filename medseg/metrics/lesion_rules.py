"""By which rules lesions are told apart, paired and scored; the ones of BraTS 2023 among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from medseg.core.errors import ConfigError
from medseg.core.in_words import counted
from medseg.metrics.hausdorff_variants import HD_VARIANTS, HdVariant

Empties = Literal["not_scored", "perfect"]
CONNECTIVITIES = (6, 18, 26)
BRATS_LESION_PENALTY_MM = 374.0  # the challenge's own; 240 x 240 x 155 mm has a diagonal of 373.13

_CONNECTED = {6: "faces (6 neighbours)", 18: "faces or edges (18)", 26: "faces, edges or corners (26)"}


@dataclass(frozen=True)
class LesionRules:
    """What is one lesion, and what its score is.

    Attributes:
        name: Of the preset.
        connectivity: Voxels that touch by faces (6), edges too (18) or corners too (26) are one lesion. In 2D
            6 is 4 neighbours, 18 and 26 are 8.
        dilation: Steps, in voxels, by which the reference is grown (18 neighbours a step) before its parts are
            told apart. Parts that then touch are one lesion, and a predicted part that reaches the grown
            lesion counts as a find. The voxels that are scored stay as they were.
        ignored_up_to_mm3: Reference lesions of this volume or less are listed and do not count. There is no
            such limit for predicted ones.
        penalty_mm: HD95 of a missed or hallucinated lesion: a number, or "diagonal" of the image.
        none_at_all: A study without a lesion that counts in the reference and without a hallucinated one:
            not scored, or perfect (Dice 1, HD95 0, F1 1).
        hd_variant: Which HD95.
    """

    name: str
    connectivity: int = 26
    dilation: int = 0
    ignored_up_to_mm3: float = 0.0
    penalty_mm: float | Literal["diagonal"] = "diagonal"
    none_at_all: Empties = "not_scored"
    hd_variant: HdVariant = "voxel"

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            ConfigError: The connectivity or variant is unknown, or a number is negative.
        """
        if self.connectivity not in CONNECTIVITIES:
            raise ConfigError(f"lesion connectivity is {self.connectivity}; choose 6, 18 or 26 (in 2D: 4, 8 and 8)")
        if self.hd_variant not in HD_VARIANTS:
            raise ConfigError(f"HD variant is '{self.hd_variant}'; choose {', '.join(HD_VARIANTS)}")
        numbers = [self.dilation, self.ignored_up_to_mm3, 0.0 if self.penalty_mm == "diagonal" else self.penalty_mm]
        if any(not 0.0 <= number < float("inf") for number in numbers):
            raise ConfigError(f"lesion dilation, volume limit and penalty are {numbers}; none may be negative")

    def values(self) -> dict[str, Any]:
        """The rules as plain values, for a digest and for JSON."""
        return {
            "name": self.name,
            "connectivity": int(self.connectivity),
            "dilation": int(self.dilation),
            "ignored_up_to_mm3": float(self.ignored_up_to_mm3),
            "penalty_mm": self.penalty_mm if self.penalty_mm == "diagonal" else float(self.penalty_mm),
            "none_at_all": self.none_at_all,
            "hd_variant": self.hd_variant,
        }

    def in_words(self) -> tuple[str, ...]:
        """The rules as sentences."""
        worst = "the image diagonal" if self.penalty_mm == "diagonal" else f"{self.penalty_mm:g} mm"
        grown = f" after growing the reference by {counted(self.dilation, 'voxel')}" * (self.dilation > 0)
        lesion = "the grown lesion" if self.dilation else "a lesion"
        small = f" Reference lesions of {self.ignored_up_to_mm3:g} mm³ or less do not count."
        none = "is not scored" if self.none_at_all == "not_scored" else "scores Dice 1, HD95 0 mm and F1 1"
        return (
            f"Lesions ({self.name}): voxels joined by {_CONNECTED[self.connectivity]}{grown}; a predicted part that "
            f"overlaps {lesion} counts to it with all its voxels.{small * (self.ignored_up_to_mm3 > 0)}",
            f"A missed or hallucinated lesion has Dice 0 and HD95 = {worst}; the mean runs over all of them. "
            f"A study with neither a lesion nor a hallucinated one {none}.",
            f"HD95 of a lesion: {HD_VARIANTS[self.hd_variant].words}.",
        )


def _brats2023(task: str, *, dilation: int, ignored_up_to_mm3: float) -> LesionRules:
    return LesionRules(
        name=f"brats2023-{task}",
        dilation=dilation,
        ignored_up_to_mm3=ignored_up_to_mm3,
        penalty_mm=BRATS_LESION_PENALTY_MM,
        none_at_all="perfect",
        hd_variant="area",
    )


# Source of the rows: the metrics published with the challenge, github.com/rachitsaluja/BraTS-2023-Metrics (README
# and eval.py): 26 neighbours; growth by 3 or 1 steps of 18 neighbours; lesions of a volume up to and with the limit
# left out of the reference only; HD95 of the surface-distance package, weighted by area; 374 in place of infinity.
# Not certain: whether the ranking of each task ran this very version. What it calls voxels is a volume in mm³ there
# (spacing multiplied in), the same on the challenge's 1 mm grids. F1 is not part of it; it follows from its counts.
LESION_RULES: Mapping[str, LesionRules] = {
    "default": LesionRules("default"),
    "brats2023-gli": _brats2023("gli", dilation=3, ignored_up_to_mm3=50.0),
    "brats2023-ssa": _brats2023("ssa", dilation=3, ignored_up_to_mm3=50.0),
    "brats2023-ped": _brats2023("ped", dilation=3, ignored_up_to_mm3=50.0),
    "brats2023-men": _brats2023("men", dilation=1, ignored_up_to_mm3=50.0),
    "brats2023-met": _brats2023("met", dilation=1, ignored_up_to_mm3=2.0),
}
