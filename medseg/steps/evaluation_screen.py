"""What the terminal shows of an evaluation: one table, the policy, the worst studies, the gates."""

from __future__ import annotations

import math
from collections.abc import Iterator

from medseg.metrics.evaluation import Evaluation
from medseg.metrics.ranking import rank
from medseg.metrics.summary import Summarised, Summary
from medseg.runs.evaluation_facts import EvaluationFacts
from medseg.runs.evaluation_files import SUMMARY
from medseg.runs.table import format_table

WORST = 3
_DICE, _HD95 = ("Dice", "95 % interval", "median", "surface Dice"), ("HD95 mm", "both exist", "HD95 median")
_HEADERS = ("", "n", "failed", *_DICE, *_HD95)
NAMED = 10  # studies without a prediction that are named; the report names all


def lines_of(facts: EvaluationFacts) -> Iterator[str]:
    """Line after line."""
    evaluation = facts.evaluation
    yield format_table(_HEADERS, [_row(evaluation, name) for name in evaluation.names])
    yield "HD95: mean with penalty, mean where both masks exist (n), median with penalty. All metrics: summary.json."
    yield from _failures(evaluation)
    yield ""
    yield f"Policy '{evaluation.policy.name}':"
    yield from (f"  {sentence}" for sentence in evaluation.policy.in_words())
    yield ""
    ranked = rank(evaluation)
    worst = [one for one in ranked[:WORST] if one.dice < 1.0]
    if not ranked:
        yield "Nothing was scored: no label is in any study."
    else:
        yield "Worst studies, by mean Dice:" if worst else "Every study that was scored has Dice 1."
    yield from (f"  {one.study}  {one.dice:.3f}  {one.reason}" for one in worst)
    yield from _others(facts)


def _failures(evaluation: Evaluation) -> Iterator[str]:
    failed = evaluation.failed
    if not failed:
        return
    yield ""
    yield f"No usable prediction for {len(failed)} of {len(evaluation.studies)} studies, scored as missed:"
    yield from (f"  {one.study}  {one.failure}" for one in failed[:NAMED])
    if len(failed) > NAMED:
        yield f"  … and {len(failed) - NAMED} more; {SUMMARY} names all"


def _row(evaluation: Evaluation, name: str) -> list[object]:
    row = evaluation.summaries[name]
    dice, hd95 = row["dice"].whole, row["hd95_mm"]
    interval = "-" if math.isnan(dice.low) else f"{dice.low:.3f} to {dice.high:.3f}"
    distances = [_mm(hd95.whole.mean), _both(hd95), _mm(hd95.whole.median)]
    return [name, dice.n, dice.failed, dice.mean, interval, dice.median, row["nsd"].whole.mean, *distances]


def _both(hd95: Summarised) -> str:
    alone: Summary | None = hd95.both_exist
    return "-" if alone is None or not alone.n else f"{_mm(alone.mean)} ({alone.n})"


def _mm(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"


def _others(facts: EvaluationFacts) -> Iterator[str]:
    for title, sentences in (
        ("Compared", () if facts.comparison is None else (*facts.comparison.sentences, *facts.comparison.notes)),
        ("Not evaluated", facts.left_out),
        ("Gates", tuple(result.sentence for result in facts.gates)),
    ):
        if sentences:
            yield ""
            yield f"{title}:"
            yield from (f"  {sentence}" for sentence in sentences)
