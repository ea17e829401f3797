"""Where the maps of an evaluation come from, and what that is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from medseg.core.errors import FileError
from medseg.runs.record import read_inference
from medseg.steps.ensemble import Ensemble
from medseg.steps.evaluation_request import EvaluateRequest
from medseg.steps.label_maps import LabelMaps, find_label_maps
from medseg.steps.unseen import leave_out_seen

UNKNOWN = "It is not known what the bundle was trained on; no study is left out."
PARTLY_UNKNOWN = "It is not known what {} of the {} bundles were trained on; for these no study is left out."


def find_maps(
    request: EvaluateRequest, model: Ensemble | None, *, say: Callable[[str], None]
) -> tuple[LabelMaps, LabelMaps]:
    """Predictions and references; the predictions are made first where data is given.

    Raises:
        MedsegError: There are none, or the model cannot make them.
    """
    where = request.data or request.reference
    if where is None:
        raise ValueError("an evaluation needs references")
    every = find_label_maps(where)
    splits = _splits(request, model)
    references = leave_out_seen(every, [split for split in splits if split is not None], say=say)
    if request.data is not None and model is not None:
        if None in splits:
            say(_unknown(splits))
        from medseg.steps.holdout_predictions import predict_holdout

        return predict_holdout(request, model, list(references.files), say=say), references
    if request.prediction is None:
        raise ValueError("without data an evaluation needs predictions")
    predictions, dropped = find_label_maps(request.prediction), every.files.keys() - references.files.keys()
    kept = {study: file for study, file in predictions.files.items() if study not in dropped}
    return replace(predictions, files=kept), references


def made_by(request: EvaluateRequest, model: Ensemble) -> bool:
    """Whether the predictions are of this very model: made here, or by an inference that names it."""
    if request.data is not None:
        return True
    try:
        record = read_inference(request.prediction or request.output)
    except FileError:
        return False
    return record.get("verb") == "infer" and (record.get("bundle") or {}).get("digest") == model.digest


def title_of(request: EvaluateRequest, model: Ensemble | None) -> str:
    """What is evaluated: a model and its run, or the folder of the predictions."""
    if model is None or request.data is None:
        return (request.prediction or request.output).resolve().name
    runs = dict.fromkeys(run.name for run in model.runs if run is not None)
    return " ".join([model.name, *runs, *(["mirrored"] if model.flip_axes else [])])


def origin_of(request: EvaluateRequest, model: Ensemble | None) -> dict[str, str]:
    """Which model said the labels or made the predictions, and whether it may have seen the studies."""
    if model is None:
        return {} if request.labels is None else {"labels_file": str(request.labels)}
    parts = {name.replace(" ", "_"): value for name, value in model.parts}
    origin = {"bundle": f"{model.name} {model.version}", "bundle_digest": model.digest, **parts}
    splits = _splits(request, model)
    return origin | {"trained_on": _unknown(splits)} if None in splits else origin


def _splits(request: EvaluateRequest, model: Ensemble | None) -> tuple[Mapping[str, Any] | None, ...]:
    """What each member saw; None where that is not known.

    What a bundle says of its own weights counts for their predictions alone: a bundle may say the labels of any maps.
    """
    if model is None:
        return ()
    if made_by(request, model):
        return model.splits
    return tuple(split if run is not None else None for split, run in zip_longest(model.splits, model.runs))


def _unknown(splits: Sequence[Mapping[str, Any] | None]) -> str:
    return UNKNOWN if len(splits) == 1 else PARTLY_UNKNOWN.format(splits.count(None), len(splits))
