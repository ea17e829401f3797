"""One evaluation from request to report, card and MLflow: the order of things."""

from __future__ import annotations

from collections.abc import Callable

from medseg.bundle.manifest import MANIFEST
from medseg.bundle.results import write_results
from medseg.bundle.scoring import Scoring
from medseg.core.errors import UsageError
from medseg.runs.evaluation_facts import EvaluationFacts
from medseg.runs.evaluation_files import REPORT, SUMMARY, summary_of
from medseg.steps.ensemble import Ensemble
from medseg.steps.evaluation import plan_evaluation, run_evaluation
from medseg.steps.evaluation_request import EvaluateRequest
from medseg.steps.evaluation_rules import check_output, rules_of
from medseg.steps.evaluation_screen import lines_of
from medseg.steps.evaluation_sources import find_maps, made_by, origin_of, title_of
from medseg.steps.evaluation_tracking import track_evaluation, tracked_run
from medseg.steps.label_classes import Labels, labels_of

Say = Callable[[str], None]


def evaluate_session(
    request: EvaluateRequest, model: Ensemble | None, scoring: Scoring | None, *, say: Say
) -> EvaluationFacts:
    """Everything that can be wrong about options first, then the maps, then scores, files, card and MLflow.

    Args:
        request: What the user asks.
        model: The model, or where the labels are from; None for maps alone.
        scoring: Labels, tolerances and thresholds of the bundle or of a file; None where each value is a label.
        say: Shows a line to the user.

    Raises:
        MedsegError: Nothing can be scored or an option does not fit; nothing was written.
    """
    check_output(request)
    # Where the labels are known by now, gates and tolerances are checked before a model runs.
    known = None if scoring is None else rules_of(request, scoring, tuple(Labels(scoring.labels).values))
    _check_card(request, model)
    title, origin = title_of(request, model), origin_of(request, model)
    predictions, references = find_maps(request, model, say=say)
    labels = labels_of(predictions, references, scoring.labels if scoring else None)
    rules = known or rules_of(request, None, tuple(labels.values))
    task = plan_evaluation(request, predictions, references, labels=labels, rules=rules, title=title, provenance=origin)
    facts = run_evaluation(task, say=say)
    for line in lines_of(facts):
        say(line)
    if model is not None and made_by(request, model):
        _hand_on(request, model, facts, say)
    return facts


def _check_card(request: EvaluateRequest, model: Ensemble | None) -> None:
    """A card tells of its own model only.

    Raises:
        UsageError: The predictions are not known to be this model's, or it is more than one bundle.
    """
    if not request.update_bundle or model is None:
        return
    if not model.is_plain:
        raise UsageError("--update-bundle: a card tells of one bundle by itself; a cross-validation is several.")
    if (model.bundle.root / MANIFEST).is_file():
        raise UsageError(
            f"--update-bundle: '{model.bundle.root}' is a package, and a package does not change. Evaluate the run, "
            "and package it again with --evaluation."
        )
    if not made_by(request, model):
        raise UsageError(
            f"--update-bundle: nothing says that bundle '{model.name}' made these predictions. Give --data, or the "
            "output folder of medseg infer with this very bundle."
        )


def _hand_on(request: EvaluateRequest, model: Ensemble, facts: EvaluationFacts, say: Say) -> None:
    """To the model's card and to its run in MLflow, where that is asked for."""
    bundle = model.bundle
    if request.update_bundle:
        write_results(bundle.root, summary_of(facts))
        say(f"Results written into the card of '{bundle.name}' ({bundle.root / 'configs' / 'metadata.json'}).")
    if request.tracking and model.is_plain:  # a run in MLflow is of one training, as it was trained
        tracked = tracked_run(model.runs[0], tracking_uri=request.tracking_uri)
        if tracked is not None:
            track_evaluation(tracked, facts.evaluation, [request.output / REPORT, request.output / SUMMARY])
