"""One evaluation from request to report, card and MLflow: the order of things."""

from __future__ import annotations

from collections.abc import Callable

from medseg.bundle.read import Bundle
from medseg.bundle.results import write_results
from medseg.bundle.scoring import Scoring
from medseg.core.errors import UsageError
from medseg.runs.evaluation_facts import EvaluationFacts
from medseg.runs.evaluation_files import REPORT, SUMMARY, summary_of
from medseg.steps.evaluation import plan_evaluation, run_evaluation
from medseg.steps.evaluation_request import EvaluateRequest
from medseg.steps.evaluation_rules import check_output, rules_of
from medseg.steps.evaluation_screen import lines_of
from medseg.steps.evaluation_sources import find_maps, made_by, origin_of, title_of
from medseg.steps.evaluation_tracking import track_evaluation, tracked_run
from medseg.steps.label_classes import Labels, labels_of
from medseg.steps.unseen import run_of

Say = Callable[[str], None]


def evaluate_session(
    request: EvaluateRequest, bundle: Bundle | None, scoring: Scoring | None, *, say: Say
) -> EvaluationFacts:
    """Everything that can be wrong about options first, then the maps, then scores, files, card and MLflow.

    Args:
        request: What the user asks.
        bundle: The model, or where the labels are from; None for maps alone.
        scoring: Labels, tolerances and thresholds of the bundle or of a file; None where each value is a label.
        say: Shows a line to the user.

    Raises:
        MedsegError: Nothing can be scored or an option does not fit; nothing was written.
    """
    check_output(request)
    # Where the labels are known by now, gates and tolerances are checked before a model runs.
    known = None if scoring is None else rules_of(request, scoring, tuple(Labels(scoring.labels).values))
    _check_card(request, bundle)
    title, origin = title_of(request, bundle), origin_of(request, bundle)
    predictions, references = find_maps(request, bundle, say=say)
    labels = labels_of(predictions, references, scoring.labels if scoring else None)
    rules = known or rules_of(request, None, tuple(labels.values))
    task = plan_evaluation(request, predictions, references, labels=labels, rules=rules, title=title, provenance=origin)
    facts = run_evaluation(task, say=say)
    for line in lines_of(facts):
        say(line)
    if bundle is not None and made_by(request, bundle):
        _hand_on(request, bundle, facts, say)
    return facts


def _check_card(request: EvaluateRequest, bundle: Bundle | None) -> None:
    """A card tells of its own model only.

    Raises:
        UsageError: The predictions are not known to be this model's.
    """
    if request.update_bundle and bundle is not None and not made_by(request, bundle):
        raise UsageError(
            f"--update-bundle: nothing says that bundle '{bundle.name}' made these predictions. Give --data, or the "
            "output folder of medseg infer with this very bundle."
        )


def _hand_on(request: EvaluateRequest, bundle: Bundle, facts: EvaluationFacts, say: Say) -> None:
    """To the model's card and to its run in MLflow, where that is asked for."""
    if request.update_bundle:
        write_results(bundle.root, summary_of(facts))
        say(f"Results written into the card of '{bundle.name}' ({bundle.root / 'configs' / 'metadata.json'}).")
    if request.tracking:
        tracked = tracked_run(run_of(bundle, request.bundle), tracking_uri=request.tracking_uri)
        if tracked is not None:
            track_evaluation(tracked, facts.evaluation, [request.output / REPORT, request.output / SUMMARY])
