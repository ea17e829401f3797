"""Score a cross-validation: every study once, as the model segmented it that did not see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from medseg.metrics.evaluation import Evaluation
from medseg.runs.evaluation_facts import EvaluationFacts
from medseg.steps.evaluation import plan_evaluation, run_evaluation
from medseg.steps.evaluation_request import EvaluateRequest
from medseg.steps.evaluation_rules import rules_of
from medseg.steps.evaluation_screen import lines_of
from medseg.steps.label_classes import labels_of
from medseg.steps.label_maps import find_label_maps
from medseg.steps.task import Task

TOLD = ("dice", "hd95_mm", "nsd")  # of all metrics in summary.json, those that run.json repeats


def evaluate_folds(
    task: Task, predictions: Path, output: Path, *, title: str, say: Callable[[str], None]
) -> EvaluationFacts:
    """Score the label maps of all folds together, by the bundle's labels, tolerances and thresholds.

    Args:
        task: Says the data and the bundle.
        predictions: Folder of the label maps, as ``segment_fold`` leaves it.
        output: Folder of the evaluation.
        title: What is evaluated.
        say: Shows a line to the user.

    Raises:
        MedsegError: Nothing can be scored, or the folder cannot be written.
    """
    data = task.cohort.dataset.root
    request = EvaluateRequest(output=output, prediction=predictions, reference=data)
    made, references = find_label_maps(predictions), find_label_maps(data)
    labels = labels_of(made, references, task.bundle.labels)
    rules = rules_of(request, task.bundle.scoring, tuple(labels.values))
    origin = {
        "bundle": f"{task.bundle.name} {task.bundle.version}",
        "folds": "each study was segmented by the model that neither was trained on it nor chosen by it",
    }
    plan = plan_evaluation(request, made, references, labels=labels, rules=rules, title=title, provenance=origin)
    facts = run_evaluation(plan, say=say)
    for line in lines_of(facts):
        say(line)
    return facts


def told_scores(evaluation: Evaluation) -> dict[str, dict[str, Mapping[str, Any]]]:
    """Label or region to metric to mean, interval and number of studies, as plain JSON."""
    return {
        name: {metric: evaluation.summaries[name][metric].whole.record() for metric in TOLD}
        for name in evaluation.names
    }
