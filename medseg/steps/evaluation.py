"""One evaluation from maps to report: pair and look first, then score, then write."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from medseg.core.errors import OutputError
from medseg.core.files import digest_of
from medseg.metrics.evaluation import Evaluation
from medseg.metrics.gates import check_gates
from medseg.metrics.ranking import rank
from medseg.metrics.strata import read_strata
from medseg.runs.evaluation_facts import EvaluationFacts, StratumTable
from medseg.runs.evaluation_files import SUMMARY, write_summary, write_tables
from medseg.runs.evaluation_report import remove_report, write_evaluation_report
from medseg.runs.progress import Progress
from medseg.steps.evaluation_against import compare_with
from medseg.steps.evaluation_gallery import draw_gallery
from medseg.steps.evaluation_request import EvaluateRequest
from medseg.steps.evaluation_rules import Rules
from medseg.steps.evaluation_scoring import Scored, score_pairs
from medseg.steps.evaluation_strata import strata_of
from medseg.steps.label_classes import Labels
from medseg.steps.label_maps import LabelMaps
from medseg.steps.label_pairs import Pairs, pair
from medseg.steps.label_reading import look

Say = Callable[[str], None]


@dataclass(frozen=True)
class EvaluationTask:
    """An evaluation in which nothing was found wrong, before anything is scored.

    Attributes:
        request: What the user asks.
        title: What is evaluated.
        pairs: What is scored, and what is not.
        labels: What is scored in each.
        rules: By what.
        provenance: Where all of it comes from.
        unscored: References whose header already says that they cannot be used.
    """

    request: EvaluateRequest
    title: str
    pairs: Pairs
    labels: Labels
    rules: Rules
    provenance: Mapping[str, str]
    unscored: int = 0


def plan_evaluation(
    request: EvaluateRequest,
    predictions: LabelMaps,
    references: LabelMaps,
    *,
    labels: Labels,
    rules: Rules,
    title: str,
    provenance: Mapping[str, str],
) -> EvaluationTask:
    """Pair the maps and look at their headers.

    Args:
        request: What the user asks.
        predictions: Found predictions.
        references: Found references.
        labels: What is scored.
        rules: By what.
        title: What is evaluated.
        provenance: What is known of its origin.

    Raises:
        MedsegError: Nothing can be scored, or a study has no row in the table of groups.
    """
    paired = pair(predictions, references)
    pairs = look(paired, labels)
    if request.strata is not None:  # read again when the groups are made; here for its faults
        read_strata(request.strata, [one.study for one in pairs.pairs])
    origin = {"prediction": str(predictions.root), "reference": f"{references.root} ({references.layout})"}
    unscored = len(paired.pairs) - len(pairs.pairs)
    return EvaluationTask(request, title, pairs, labels, rules, {**provenance, **origin}, unscored)


def run_evaluation(task: EvaluationTask, *, say: Say) -> EvaluationFacts:
    """Score, summarise, compare, draw and write.

    Args:
        task: From ``plan_evaluation``.
        say: Shows a line to the user.

    Raises:
        MedsegError: No reference can be used, two evaluations cannot be compared, or a file cannot be written.
    """
    pairs, policy = task.pairs.pairs, task.rules.policy
    for note in task.pairs.notes:
        say(note)
    say(f"{len(pairs)} studies; {', '.join(task.labels.values)}; policy '{policy.name}'")
    with Progress(len(pairs), "Scoring") as progress:
        scored = score_pairs(pairs, task.labels, policy, workers=task.request.workers, advance=progress.advance)
    studies = tuple(one.scores for one in scored if one.scores is not None)
    evaluation = Evaluation(policy, tuple(task.labels.values), studies, task.request.seed)
    strata, notes = strata_of(evaluation, task.request.strata)
    notes += _same_files(scored)
    for note in notes:
        say(note)
    facts = _facts(task, scored, evaluation, strata, (*task.pairs.notes, *notes))
    write_evaluation(task.request.output, facts, report=task.request.report)
    return facts


def write_evaluation(folder: Path, facts: EvaluationFacts, *, report: bool) -> None:
    """Write everything beside what is there, then put it in its place; until then an earlier evaluation stays whole.

    Args:
        folder: Where.
        facts: What.
        report: Whether the page is made; page and pictures of an earlier evaluation go in any case.

    Raises:
        OutputError: The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".tmp-", dir=folder) as made:
            write_tables(Path(made), facts.evaluation)
            if report:
                write_evaluation_report(Path(made), facts)
            write_summary(Path(made), facts)
            (folder / SUMMARY).unlink(missing_ok=True)
            remove_report(folder)
            _move(Path(made), folder)
    except OSError as error:
        raise OutputError(f"Cannot write to '{folder}': {error.strerror or error}. Choose another --output.") from None


def _move(made: Path, folder: Path) -> None:
    """Every file to its place; summary.json last, so that a folder with one is complete."""
    files = sorted((path for path in made.rglob("*") if path.is_file()), key=lambda path: path.name == SUMMARY)
    for path in files:
        place = folder / path.relative_to(made)
        place.parent.mkdir(exist_ok=True)
        path.replace(place)


def _facts(
    task: EvaluationTask,
    scored: Sequence[Scored],
    evaluation: Evaluation,
    strata: tuple[StratumTable, ...],
    notes: Sequence[str],
) -> EvaluationFacts:
    against, drawn = task.rules.against, task.request.report
    digests = {
        "prediction_digest": digest_of([one.prediction_digest for one in scored]),
        "reference_digest": digest_of([one.reference_digest for one in scored]),
    }
    made = {"made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")}
    return EvaluationFacts(
        title=task.title,
        evaluation=evaluation,
        left_out=(*task.pairs.left_out, *(one.left_out for one in scored if one.left_out)),
        unscored=task.unscored + sum(one.scores is None for one in scored),
        gates=check_gates(task.rules.gates, evaluation),
        comparison=None if against is None else compare_with(against, evaluation, title=task.title),
        strata=strata,
        gallery=draw_gallery(rank(evaluation), task.pairs.pairs, task.labels) if drawn else (),
        provenance={**task.provenance, "notes": " ".join(notes), **digests, **made},
    )


def _same_files(scored: Sequence[Scored]) -> tuple[str, ...]:
    """A perfect score may be a slip of the hand: the references given twice."""
    same = sum(one.prediction_digest == one.reference_digest != "" for one in scored)
    if not same:
        return ()
    what = "is its reference" if same == 1 else "are their references"
    return (f"The prediction of {same} of {len(scored)} studies {what}, byte for byte.",)
