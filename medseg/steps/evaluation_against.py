"""Compare an evaluation with an earlier one, and refuse where the two are not alike in all but the model."""

from __future__ import annotations

from medseg.core.errors import DatalistError, raise_faults
from medseg.metrics.evaluation import Evaluation
from medseg.metrics.metric import METRICS
from medseg.metrics.two_models import Difference, Key, compare, rows_of_one_side
from medseg.runs.evaluation_facts import ComparisonFacts
from medseg.runs.evaluation_files import SavedEvaluation


def compare_with(saved: SavedEvaluation, evaluation: Evaluation, *, title: str) -> ComparisonFacts:
    """Study by study, this evaluation less the other.

    Args:
        saved: The other.
        evaluation: This one, by the same policy (``refuse_other_policy``).
        title: What was evaluated here.

    Raises:
        DatalistError: No study or no label is in both, or a study has another reference there.
    """
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
    alone = rows_of_one_side(ours, {key: row for key, row in saved.scores.items() if METRICS[key[1]].compared})
    if not ours.keys() & saved.scores.keys():
        raise DatalistError(
            f"No label is in both evaluations: {', '.join(evaluation.names)} here, "
            f"{', '.join(dict.fromkeys(name for name, _ in saved.scores))} in '{saved.folder}'."
        )
    rows = compare(ours, saved.scores, seed=evaluation.seed, patients=evaluation.patients)
    names = _two_names(title, saved)
    sentences = tuple(_sentence(row, names) for row in rows)
    notes = [_only(here - there, "this evaluation"), _only(there - here, f"'{saved.folder}'")]
    notes += [f"'{name}' is in one of the two only and not compared." for name in dict.fromkeys(n for n, _ in alone)]
    return ComparisonFacts(*names, tuple(rows), sentences, tuple(note for note in notes if note))


def _sentence(row: Difference, names: tuple[str, str]) -> str:
    metric = METRICS[row.metric]
    return row.sentence(*names, better=metric.better or "higher", unit=metric.unit, title=metric.title)


def _two_names(title: str, saved: SavedEvaluation) -> tuple[str, str]:
    """Names that can be told from each other."""
    return (title, saved.title) if title != saved.title else (f"{title} (this)", f"{saved.title} ({saved.folder.name})")


def _refuse_other_references(saved: SavedEvaluation, evaluation: Evaluation) -> None:
    faults = [
        f"study '{one.study}' has another reference there"
        for one in evaluation.studies
        if saved.references.get(one.study, one.reference) != one.reference
    ]
    raise_faults(f"This evaluation and '{saved.folder}'", faults, DatalistError)


def _only(studies: set[str], where: str) -> str:
    if not studies:
        return ""
    count = "1 study is" if len(studies) == 1 else f"{len(studies)} studies are"
    return f"{count} in {where} only and not compared: {', '.join(sorted(studies)[:5])}{' …' * (len(studies) > 5)}."
