"""Compare an evaluation with an earlier one, and refuse where the two are not alike in all but the model."""

from __future__ import annotations

import math

from medseg.core.errors import DatalistError, raise_faults
from medseg.metrics.comparison import Difference, Key, compare
from medseg.metrics.evaluation import Evaluation
from medseg.metrics.metric import METRICS
from medseg.metrics.policy import refuse_other_policy
from medseg.runs.evaluation_facts import ComparisonFacts
from medseg.runs.evaluation_files import SavedEvaluation

_SAME_ML = 1e-4  # relative; the tables keep six digits


def compare_with(saved: SavedEvaluation, evaluation: Evaluation, *, title: str) -> ComparisonFacts:
    """Study by study, this evaluation less the other.

    Args:
        saved: The other.
        evaluation: This one.
        title: What was evaluated here.

    Raises:
        DatalistError: The policies differ, no study is in both, or a study has another reference there.
    """
    refuse_other_policy(evaluation.policy.values(), saved.policy)
    ours: dict[Key, dict[str, float]] = {
        (name, metric): evaluation.values(name, metric)
        for name in evaluation.names
        for metric, row in METRICS.items()
        if row.compared
    }
    here = {one.study for one in evaluation.studies}
    there = {study for values in saved.scores.values() for study in values}
    if not here & there:
        raise DatalistError(f"No study of this evaluation is in '{saved.folder}'; the two cannot be compared.")
    _refuse_other_references(saved, evaluation)
    rows = compare(ours, saved.scores, seed=evaluation.seed, patients=evaluation.patients)
    names = _two_names(title, saved)
    sentences = tuple(_sentence(row, names) for row in rows)
    notes = [_only(here - there, "this evaluation"), _only(there - here, f"'{saved.folder}'")]
    return ComparisonFacts(*names, tuple(rows), sentences, tuple(note for note in notes if note))


def _sentence(row: Difference, names: tuple[str, str]) -> str:
    metric = METRICS[row.metric]
    return row.sentence(*names, better=metric.better or "higher", unit=metric.unit, title=metric.title)


def _two_names(title: str, saved: SavedEvaluation) -> tuple[str, str]:
    """Names that can be told from each other."""
    return (title, saved.title) if title != saved.title else (f"{title} (this)", f"{saved.title} ({saved.folder.name})")


def _refuse_other_references(saved: SavedEvaluation, evaluation: Evaluation) -> None:
    faults = []
    for name in evaluation.names:
        theirs = saved.scores.get((name, "reference_ml"), {})
        for study, ml in evaluation.values(name, "reference_ml").items():
            other = theirs.get(study, math.nan)
            if abs(ml - other) > _SAME_ML * max(ml, other):  # False where one is nan
                faults.append(f"study '{study}', {name}: {ml:.6g} ml here, {other:.6g} ml there")
    raise_faults("The two evaluations have different references", faults, DatalistError)


def _only(studies: set[str], where: str) -> str:
    if not studies:
        return ""
    count = "1 study is" if len(studies) == 1 else f"{len(studies)} studies are"
    return f"{count} in {where} only and not compared: {', '.join(sorted(studies)[:5])}{' …' * (len(studies) > 5)}."
