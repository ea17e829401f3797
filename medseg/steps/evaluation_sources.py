"""Where the maps of an evaluation come from, and what that is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from medseg.bundle.read import Bundle
from medseg.core.errors import FileError
from medseg.runs.record import read_record
from medseg.steps.evaluation_request import EvaluateRequest
from medseg.steps.label_maps import LabelMaps, find_label_maps
from medseg.steps.unseen import leave_out_seen, run_of

UNKNOWN = "It is not known what the bundle was trained on; no study is left out."


def find_maps(
    request: EvaluateRequest, bundle: Bundle | None, *, say: Callable[[str], None]
) -> tuple[LabelMaps, LabelMaps]:
    """Predictions and references; the predictions are made first where data is given.

    Raises:
        MedsegError: There are none, or the model cannot make them.
    """
    where = request.data or request.reference
    if where is None:
        raise ValueError("an evaluation needs references")
    every = find_label_maps(where)
    run = None if bundle is None else run_of(bundle, request.bundle)
    references = leave_out_seen(every, run, say=say)
    if request.data is not None and bundle is not None:
        if run is None:
            say(UNKNOWN)
        from medseg.steps.holdout_predictions import predict_holdout

        return predict_holdout(request, bundle, list(references.files), say=say), references
    if request.prediction is None:
        raise ValueError("without data an evaluation needs predictions")
    predictions, dropped = find_label_maps(request.prediction), every.files.keys() - references.files.keys()
    kept = {study: file for study, file in predictions.files.items() if study not in dropped}
    return replace(predictions, files=kept), references


def made_by(request: EvaluateRequest, bundle: Bundle) -> bool:
    """Whether the predictions are of this very model: made here, or by an inference that names it."""
    if request.data is not None:
        return True
    try:
        record = read_record((request.prediction or request.output) / "run.json")
    except FileError:
        return False
    return record.get("verb") == "infer" and (record.get("bundle") or {}).get("digest") == bundle.digest


def title_of(request: EvaluateRequest, bundle: Bundle | None) -> str:
    """What is evaluated: a model and its run, or the folder of the predictions."""
    if bundle is None or request.data is None:
        return (request.prediction or request.output).resolve().name
    run = run_of(bundle, request.bundle)
    return bundle.name if run is None else f"{bundle.name} {run.name}"


def origin_of(request: EvaluateRequest, bundle: Bundle | None) -> dict[str, str]:
    """Which model said the labels or made the predictions, and whether it may have seen the studies."""
    if bundle is None:
        return {} if request.labels is None else {"labels_file": str(request.labels)}
    origin = {"bundle": f"{bundle.name} {bundle.version}", "bundle_digest": bundle.digest}
    return origin if run_of(bundle, request.bundle) is not None else origin | {"trained_on": UNKNOWN}
