"""Pair predictions with references by study id; what has no partner is told, never dropped or guessed."""

from __future__ import annotations

from dataclasses import dataclass

from medseg.core.errors import DatalistError
from medseg.steps.label_ids import NearIds, near_ids
from medseg.steps.label_maps import LabelFile, LabelMaps

_SHOWN = 3


@dataclass(frozen=True)
class Pair:
    """One study to score.

    Attributes:
        study: Its id.
        reference: The expert's label map.
        prediction: The model's; None where there is none, or none that can be used.
        reason: Why, one sentence; empty where there is a prediction.
    """

    study: str
    reference: LabelFile
    prediction: LabelFile | None
    reason: str = ""

    @property
    def patient(self) -> str:
        """Whose study it is."""
        return self.reference.patient


@dataclass(frozen=True)
class Pairs:
    """What an evaluation scores.

    Attributes:
        pairs: One for each reference, in the order of study ids.
        left_out: Predictions without a reference and references that cannot be scored, one sentence each.
        notes: What else the user should know.
    """

    pairs: tuple[Pair, ...]
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def pair(predictions: LabelMaps, references: LabelMaps) -> Pairs:
    """Pair by study id, letter for letter; two single files are a pair whatever their names.

    Returns:
        A pair for each reference, without a prediction where there is none; names that nearly match are named.

    Raises:
        DatalistError: No study is in both; shows some ids of each.
    """
    if predictions.single and references.single:
        return _only_pair(predictions, references)
    wanted, given = references.files, predictions.files
    if not wanted.keys() & (given.keys() | predictions.absent.keys()):
        raise DatalistError(_nothing_in_common(predictions, references))
    lonely = [study for study in given if study not in wanted]
    candidates = near_ids(lonely)
    pairs = [
        Pair(study, file, given.get(study), _reason(study, predictions, candidates)) for study, file in wanted.items()
    ]
    unmet = near_ids(study for study in wanted if study not in given)
    left_out = [_without_reference(study, references, unmet) for study in lonely]
    return Pairs(tuple(pairs), tuple(left_out), (*predictions.notes, *references.notes))


def _only_pair(predictions: LabelMaps, references: LabelMaps) -> Pairs:
    (prediction,), (reference,) = predictions.files.values(), references.files.values()
    return Pairs((Pair(reference.study, reference, prediction),), (), (*predictions.notes, *references.notes))


def _reason(study: str, predictions: LabelMaps, lonely: NearIds) -> str:
    if study in predictions.files:
        return ""
    if study in predictions.absent:
        return f"there is no prediction: {predictions.absent[study]}"
    near = lonely.nearest(study)
    hint = f"; rename '{near}' if that is the one" if near else ""
    return f"there is no prediction of this name in '{predictions.root}'{hint}"


def _without_reference(study: str, references: LabelMaps, unmet: NearIds) -> str:
    if study in references.absent:
        return f"prediction '{study}' has no reference: {references.absent[study]}"
    near = unmet.nearest(study)
    return f"prediction '{study}' has no reference" + (f"; did you mean '{near}'?" if near else "")


def _nothing_in_common(predictions: LabelMaps, references: LabelMaps) -> str:
    lines = ["No study is in both: files pair by study id, which must be the same letter for letter."]
    for what, maps in (("predictions", predictions), ("references", references)):
        ids = [*maps.files, *maps.absent] if what == "predictions" else list(maps.files)
        more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
        lines.append(f"  {what} '{maps.root}' ({maps.layout}): {', '.join(ids[:_SHOWN])}{more}")
    wanted = near_ids(references.files)
    slips = ((study, wanted.nearest(study)) for study in predictions.files)
    if slip := next(((study, near) for study, near in slips if near), None):
        lines.append(f"  '{slip[0]}' looks like '{slip[1]}': rename the predictions.")
    return "\n".join(lines)
