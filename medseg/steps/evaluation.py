"""One evaluation from folders to report: everything that can be wrong first, then the scores, then the files."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from medseg.bundle.scoring import Scoring
from medseg.core.errors import OutputError, UsageError, raise_faults
from medseg.core.files import digest_of
from medseg.metrics.evaluation import Evaluation
from medseg.metrics.gates import Gate, check_gates, gates_of, gates_of_thresholds
from medseg.metrics.policy import MetricPolicy, choose_policy, refuse_other_policy
from medseg.metrics.ranking import rank
from medseg.metrics.strata import read_strata
from medseg.runs.evaluation_facts import EvaluationFacts
from medseg.runs.evaluation_files import REPORT, SUMMARY, SavedEvaluation, read_evaluation, write_summary, write_tables
from medseg.runs.evaluation_report import write_evaluation_report
from medseg.runs.progress import Progress
from medseg.steps.evaluation_against import compare_with
from medseg.steps.evaluation_gallery import draw_gallery
from medseg.steps.evaluation_request import EvaluateRequest
from medseg.steps.evaluation_scoring import Scored, score_pairs
from medseg.steps.evaluation_strata import strata_of
from medseg.steps.label_classes import Labels, labels_of
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
        policy: By which rules.
        gates: What is demanded.
        against: The earlier evaluation; None where there is none.
        provenance: Where all of it comes from.
        unreadable: References whose header already says that they cannot be used.
    """

    request: EvaluateRequest
    title: str
    pairs: Pairs
    labels: Labels
    policy: MetricPolicy
    gates: tuple[Gate, ...]
    against: SavedEvaluation | None
    provenance: Mapping[str, str]
    unreadable: int = 0


def check_evaluation(
    request: EvaluateRequest,
    predictions: LabelMaps,
    references: LabelMaps,
    *,
    scoring: Scoring | None,
    title: str,
    provenance: Mapping[str, str],
) -> EvaluationTask:
    """Pair, look at headers, choose the policy, read what it is compared with.

    Args:
        request: What the user asks.
        predictions: Found predictions.
        references: Found references.
        scoring: Labels, tolerances and thresholds of a bundle or file; None where each value is a label.
        title: What is evaluated.
        provenance: What is known of its origin.

    Raises:
        MedsegError: Nothing can be scored, an option does not fit, or the other evaluation cannot be compared.
    """
    paired = pair(predictions, references)
    labels = labels_of(predictions, references, scoring.labels if scoring else None)
    names = tuple(labels.values)
    policy = _policy(request, scoring, names)
    gates = gates_of(request.least, request.most, names)
    gates += gates_of_thresholds(scoring.thresholds if scoring else {}, gates)
    against = None if request.against is None else read_evaluation(request.against)
    if against is not None:
        refuse_other_policy(policy.values(), against.policy)
    _check_output(request, predictions, references)
    pairs = look(paired, labels)
    if request.strata is not None:  # read again when the groups are made; here for its faults
        read_strata(request.strata, [one.study for one in pairs.pairs])
    origin = {"prediction": str(predictions.root), "reference": f"{references.root} ({references.layout})"}
    unreadable = len(paired.pairs) - len(pairs.pairs)
    return EvaluationTask(
        request, title, pairs, labels, policy, tuple(gates), against, {**provenance, **origin}, unreadable
    )


def run_evaluation(task: EvaluationTask, *, say: Say) -> EvaluationFacts:
    """Score, summarise, compare, draw and write.

    Args:
        task: From ``check_evaluation``.
        say: Shows a line to the user.

    Raises:
        MedsegError: No reference can be used, two evaluations cannot be compared, or a file cannot be written.
    """
    pairs, request = task.pairs.pairs, task.request
    for note in task.pairs.notes:
        say(note)
    say(f"{len(pairs)} studies; {', '.join(task.labels.values)}; policy '{task.policy.name}'")
    with Progress(len(pairs), "Scoring") as progress:
        scored = score_pairs(pairs, task.labels, task.policy, workers=request.workers, advance=progress.advance)
    evaluation = _evaluation(task, scored)
    strata, notes = strata_of(evaluation, request.strata)
    for note in notes:
        say(note)
    facts = EvaluationFacts(
        title=task.title,
        evaluation=evaluation,
        left_out=(*task.pairs.left_out, *(one.left_out for one in scored if one.left_out)),
        unscored=task.unreadable + sum(one.scores is None for one in scored),
        gates=check_gates(task.gates, evaluation),
        comparison=None if task.against is None else compare_with(task.against, evaluation, title=task.title),
        strata=strata,
        gallery=draw_gallery(rank(evaluation), pairs, task.labels) if request.report else (),
        provenance={**task.provenance, **_digests(scored), "made": _now()},
    )
    write_evaluation(request.output, facts, report=request.report)
    return facts


def write_evaluation(folder: Path, facts: EvaluationFacts, *, report: bool) -> None:
    """Write everything; summary.json last, so that a folder with one is complete.

    Args:
        folder: Where.
        facts: What.
        report: Whether the page is made; page and pictures of an earlier evaluation go in any case.

    Raises:
        OutputError: The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for stale in (folder / SUMMARY, folder / REPORT, *(folder / "figures").glob("*.png")):
            stale.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"Cannot write to '{folder}': {error.strerror or error}. Choose another --output.") from None
    write_tables(folder, facts.evaluation)
    if report:
        write_evaluation_report(folder, facts)
    write_summary(folder, facts)


def _policy(request: EvaluateRequest, scoring: Scoring | None, names: Sequence[str]) -> MetricPolicy:
    faults = [
        f"--tolerance {name}={mm}: {fault}"
        for name, mm in request.tolerance_mm.items()
        if (fault := _tolerance_fault(name, mm, names))
    ]
    raise_faults("Tolerances", faults, UsageError)
    of_bundle = {} if scoring is None else {name: mm for name, mm in scoring.tolerance_mm.items() if name in names}
    return choose_policy(
        request.policy,
        lesions=request.preset,
        hd_variant=request.hd_variant,
        tolerance_mm={**of_bundle, **{name: float(mm) for name, mm in request.tolerance_mm.items()}},
    )


def _tolerance_fault(name: str, mm: str, names: Sequence[str]) -> str:
    if name not in names:
        return f"'{name}' is not scored; scored are {', '.join(names)}"
    try:
        return "" if 0.0 <= float(mm) < float("inf") else "it must be 0 mm or more"
    except ValueError:
        return f"'{mm}' is not a number of mm"


def _check_output(request: EvaluateRequest, predictions: LabelMaps, references: LabelMaps) -> None:
    """The tables of an evaluation do not belong among the maps it scores."""
    output = request.output.resolve()
    for what, maps in (("predictions", predictions), ("references", references)):
        if output == maps.root.resolve():
            raise OutputError(f"--output '{request.output}' is the folder of the {what}; choose another.")
    if output.exists() and not output.is_dir():
        raise OutputError(f"--output '{request.output}' is a file; choose a folder.")
    if request.against is not None and output == request.against.resolve():
        raise OutputError(f"--output '{request.output}' is the evaluation to compare with; choose another.")


def _evaluation(task: EvaluationTask, scored: Sequence[Scored]) -> Evaluation:
    studies = tuple(one.scores for one in scored if one.scores is not None)
    return Evaluation(task.policy, tuple(task.labels.values), studies, task.request.seed)


def _digests(scored: Sequence[Scored]) -> dict[str, str]:
    return {
        "prediction_digest": digest_of([one.prediction_digest for one in scored]),
        "reference_digest": digest_of([one.reference_digest for one in scored]),
    }


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
