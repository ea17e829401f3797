"""Where the maps of an evaluation come from, and what that is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from medseg.bundle.read import Bundle
from medseg.core.errors import DatalistError
from medseg.steps.evaluation_request import EvaluateRequest
from medseg.steps.label_maps import LabelMaps, find_label_maps
from medseg.steps.unseen import left_out_sentence, seen_by, unseen


def find_maps(
    request: EvaluateRequest, bundle: Bundle | None, *, say: Callable[[str], None]
) -> tuple[LabelMaps, LabelMaps]:
    """Predictions and references; the predictions are made first where data is given.

    Raises:
        MedsegError: There are none, or the model cannot make them.
    """
    if request.data is not None and bundle is not None:
        from medseg.steps.holdout_predictions import predict_holdout

        return predict_holdout(request, bundle, say=say)
    if request.prediction is None or request.reference is None:
        raise ValueError("without data an evaluation needs predictions and references")
    predictions, references = find_label_maps(request.prediction), find_label_maps(request.reference)
    seen = _seen(references, seen_by(Path(request.bundle or "")), say)
    return _without(predictions, seen), _without(references, seen)


def _seen(references: LabelMaps, seen: frozenset[str], say: Callable[[str], None]) -> frozenset[str]:
    """Studies that are left out: a run is not scored on what it was trained on, whoever made the predictions.

    Raises:
        DatalistError: Nothing else is there.
    """
    patients = {study: file.patient for study, file in references.files.items()}
    left = unseen(patients, seen)
    if not left and patients:
        raise DatalistError(
            f"'{references.root}': the model was trained on or chosen by each of the {len(patients)} studies. "
            "Give references of others; to score what it was trained on, give --labels in place of --bundle."
        )
    if len(left) < len(patients):
        say(left_out_sentence(len(left), len(patients)))
    return frozenset(patients) - frozenset(left)


def _without(maps: LabelMaps, studies: frozenset[str]) -> LabelMaps:
    return replace(maps, files={study: file for study, file in maps.files.items() if study not in studies})


def title_of(request: EvaluateRequest, bundle: Bundle | None) -> str:
    """What is evaluated: a model and its run, or the folder of the predictions."""
    if request.prediction is not None:
        return request.prediction.resolve().name
    run = Path(request.bundle or "")
    name = bundle.name if bundle else run.name
    return f"{name} {run.resolve().name}" if (run / "run.json").is_file() else name


def origin_of(request: EvaluateRequest, bundle: Bundle | None) -> dict[str, str]:
    """Which model said the labels or made the predictions."""
    if bundle is None:
        return {} if request.labels is None else {"labels_file": str(request.labels)}
    return {"bundle": f"{bundle.name} {bundle.version}", "bundle_digest": bundle.digest}
