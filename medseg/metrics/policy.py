"""What an evaluation does where a metric alone says nothing: empty masks, failed studies, and which definition."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar, get_args

from medseg.core.errors import ConfigError, DatalistError, raise_faults
from medseg.core.files import digest_of
from medseg.core.types import Shape
from medseg.metrics.hausdorff_variants import HD_VARIANTS, HdVariant
from medseg.metrics.lesion_rules import LESION_RULES, Empties, LesionRules

BRATS_PENALTY_MM = 373.13  # diagonal of 240 x 240 x 155 mm, the grid of BraTS
DEFAULT_TOLERANCE_MM = 1.0  # one voxel of a usual MR: about what two experts differ by

State = Literal["scored", "prediction_empty", "reference_empty", "both_empty", "missing"]
Kind = Literal["share", "distance", "measure"]
NsdWeighting = Literal["area", "voxel"]
Row = TypeVar("Row")
NSD_WEIGHTINGS: tuple[NsdWeighting, ...] = get_args(NsdWeighting)

# The same in every policy, and part of the digest all the same: should one ever change, older numbers are told apart.
_ALWAYS = {"missing": "missed", "spacing": "reference grid", "other_grid": "missing"}


@dataclass(frozen=True)
class MetricPolicy:
    """The rules of one evaluation; numbers are comparable only under equal rules.

    Attributes:
        name: Of the preset, with "+" where something was changed.
        both_empty: A label in neither mask: not scored, or perfect (1, and 0 mm).
        one_empty_mm: Distance where the label is in one mask only: "diagonal" of the image, or a number.
        hd_variant: Which Hausdorff distance.
        nsd_weighting: Whether the surface Dice weighs surface by its area or counts voxels.
        tolerance_mm: Tolerance of the surface Dice by label or region.
        default_tolerance_mm: Tolerance of all others.
        lesions: How lesions are told apart and scored.
    """

    name: str
    both_empty: Empties = "not_scored"
    one_empty_mm: float | Literal["diagonal"] = "diagonal"
    hd_variant: HdVariant = "voxel"
    nsd_weighting: NsdWeighting = "area"
    tolerance_mm: Mapping[str, float] = field(default_factory=dict)
    default_tolerance_mm: float = DEFAULT_TOLERANCE_MM
    lesions: LesionRules = LESION_RULES["default"]

    def __post_init__(self) -> None:
        """Refuse what cannot be meant, all of it at once.

        Raises:
            ConfigError: A word is unknown or a number is not a length.
        """
        faults = [f"{key}: '{value}' is unknown; choose {' or '.join(known)}" for key, value, known in self._unknown()]
        faults += [f"{key}: {mm} is not a length in mm; give a number of 0 or more" for key, mm in self._no_lengths()]
        raise_faults(f"Metric policy '{self.name}'", faults, ConfigError)

    def _unknown(self) -> list[tuple[str, str, Collection[str]]]:
        """Field, value and what is known, of each word that is not."""
        words: list[tuple[str, str, Collection[str]]] = [
            ("both_empty", self.both_empty, get_args(Empties)),
            ("hd_variant", self.hd_variant, HD_VARIANTS),
            ("nsd_weighting", self.nsd_weighting, NSD_WEIGHTINGS),
        ]
        return [(key, value, known) for key, value, known in words if value not in known]

    def _no_lengths(self) -> list[tuple[str, float]]:
        """Field and value of each number that is no length."""
        lengths = {f"tolerance_mm.{name}": mm for name, mm in self.tolerance_mm.items()}
        lengths["default_tolerance_mm"] = self.default_tolerance_mm
        if self.one_empty_mm != "diagonal":
            lengths["one_empty_mm"] = self.one_empty_mm
        return [(key, mm) for key, mm in lengths.items() if not 0.0 <= mm < math.inf]

    def tolerance_of(self, name: str) -> float:
        """Tolerance of the surface Dice of a label or region, in mm."""
        return float(self.tolerance_mm.get(name, self.default_tolerance_mm))

    def penalty_mm(self, shape: Shape, spacing_mm: tuple[float, ...]) -> float:
        """Distance of a label that one of the masks lacks, on this grid."""
        return penalty_of(self.one_empty_mm, shape, spacing_mm)

    def values(self) -> dict[str, Any]:
        """The policy as plain values: what the digest is made of and what summary.json holds."""
        return {
            "name": self.name,
            "both_empty": self.both_empty,
            "one_empty_mm": "diagonal" if self.one_empty_mm == "diagonal" else float(self.one_empty_mm),
            "hd_variant": self.hd_variant,
            "nsd_weighting": self.nsd_weighting,
            "tolerance_mm": {name: float(self.tolerance_mm[name]) for name in sorted(self.tolerance_mm)},
            "default_tolerance_mm": float(self.default_tolerance_mm),
            "lesions": self.lesions.values(),
            **_ALWAYS,
        }

    @property
    def digest(self) -> str:
        """SHA-256 over ``values``."""
        return digest_of(self.values())

    def in_words(self) -> tuple[str, ...]:
        """The policy as sentences, for the screen and the report."""
        none = "is not scored" if self.both_empty == "not_scored" else "scores 1, and 0 mm"
        worst = "the image diagonal in mm" if self.one_empty_mm == "diagonal" else f"{self.one_empty_mm:g} mm"
        weights = "weighted by surface area" if self.nsd_weighting == "area" else "counted in surface voxels"
        named = "".join(f", {name} {mm:g} mm" for name, mm in sorted(self.tolerance_mm.items()))
        return (
            f"A label absent from prediction and reference {none}; absent from one of them it scores 0, "
            f"and its distances are {worst}.",
            "A prediction that is missing, unreadable or on another grid is a failure: every label of the study "
            "scores as missed.",
            "Distances and volumes are in mm and ml by the spacing of the reference.",
            f"Hausdorff distance: {HD_VARIANTS[self.hd_variant].words}. ASSD is over the same surface elements.",
            f"Surface Dice: {weights}, tolerance {self.default_tolerance_mm:g} mm{named}.",
            *self.lesions.in_words(),
        )


POLICIES: Mapping[str, MetricPolicy] = {
    "default": MetricPolicy("default"),
    "brats": MetricPolicy(
        "brats", both_empty="perfect", one_empty_mm=BRATS_PENALTY_MM, lesions=LESION_RULES["brats2023-gli"]
    ),
}


def choose_policy(
    name: str = "default",
    *,
    lesions: str | None = None,
    hd_variant: HdVariant | None = None,
    tolerance_mm: Mapping[str, float] | None = None,
) -> MetricPolicy:
    """A preset, with what the command line changes of it.

    Args:
        name: A key of ``POLICIES``.
        lesions: A key of ``LESION_RULES``; None takes the policy's own.
        hd_variant: None takes the policy's own. Lesions by the default rules follow it; a challenge's rules
            keep their own variant.
        tolerance_mm: Label or region to the tolerance of its surface Dice.

    Raises:
        ConfigError: A name is unknown or a number is not a length.
    """
    base = _row(POLICIES, name, "policy")
    rules = base.lesions if lesions is None else _row(LESION_RULES, lesions, "lesion preset")
    variant = hd_variant or base.hd_variant
    if rules.name == "default":
        rules = replace(rules, hd_variant=variant)
    own = {label: mm for label, mm in (tolerance_mm or {}).items() if mm != base.default_tolerance_mm}
    chosen = replace(base, hd_variant=variant, tolerance_mm=own, lesions=rules)
    return chosen if chosen == base else replace(chosen, name=f"{name}+")


def state_of(*, prediction_empty: bool, reference_empty: bool) -> State:
    """What the two masks of a label held. A prediction that could not be had at all is "missing"."""
    if prediction_empty and reference_empty:
        return "both_empty"
    if prediction_empty:
        return "prediction_empty"
    return "reference_empty" if reference_empty else "scored"


def penalised(
    value: float, state: State, policy: MetricPolicy, *, kind: Kind, shape: Shape, spacing_mm: tuple[float, ...]
) -> float:
    """Turn what a metric gave into what is scored.

    Args:
        value: As the metric gives it; may be nan or inf where a mask is empty.
        state: What the masks held.
        policy: The rules.
        kind: "share" (Dice, IoU, precision, recall, surface Dice: 1 is best), "distance" (mm: 0 is best) or
            "measure" (a volume: no score, kept as it is).
        shape: Of the reference's grid, for the image diagonal.
        spacing_mm: Of the reference's grid.

    Returns:
        The score; nan means not scored. A missing prediction gets the worst score also for a label that the
        reference lacks: nothing shows that the label would have been left out.
    """
    if kind == "measure" or state == "scored":
        return value
    if state == "both_empty":
        perfect = 1.0 if kind == "share" else 0.0
        return perfect if policy.both_empty == "perfect" else math.nan
    return 0.0 if kind == "share" else policy.penalty_mm(shape, spacing_mm)


def penalty_of(rule: float | Literal["diagonal"], shape: Shape, spacing_mm: tuple[float, ...]) -> float:
    """A penalty distance in mm: the number itself, or the diagonal of the image from outer edge to outer edge."""
    if rule == "diagonal":
        return math.hypot(*(n * edge for n, edge in zip(shape, spacing_mm, strict=True)))
    return float(rule)


def refuse_other_policy(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    """Refuse to compare two evaluations whose rules differ; both as ``MetricPolicy.values`` gave them.

    Raises:
        DatalistError: They differ; the message lists in what. Or one of them, as read from a file, is no mapping.
    """
    if not isinstance(ours, Mapping) or not isinstance(theirs, Mapping):
        raise DatalistError("The policy of one of the two evaluations is no table of rules; evaluate that one again.")
    first, second = _flat(ours), _flat(theirs)
    faults = [
        f"{key}: {first.get(key, 'not set')} here, {second.get(key, 'not set')} there"
        for key in sorted(first.keys() | second.keys())
        if first.get(key) != second.get(key)
    ]
    raise_faults("The two evaluations follow different policies; evaluate one of them again", faults, DatalistError)


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def _row(table: Mapping[str, Row], name: str, what: str) -> Row:
    if name not in table:
        raise ConfigError(f"{what} '{name}' is unknown; choose {', '.join(table)}")
    return table[name]
