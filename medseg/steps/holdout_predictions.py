"""Segment the hold-out of a dataset with a trained model, so that it can be evaluated."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from medseg.bundle.read import Bundle
from medseg.core.errors import BundleError, DatalistError
from medseg.core.files import write_json
from medseg.core.study import Dataset
from medseg.datasets.detect import read_dataset
from medseg.steps.dicom_jobs import DicomOptions
from medseg.steps.evaluation_request import EvaluateRequest
from medseg.steps.label_maps import LabelMaps, find_label_maps
from medseg.steps.results import ResultOptions
from medseg.steps.unseen import left_out_sentence, seen_by, unseen

PREDICTIONS = "predictions"
Say = Callable[[str], None]


def predict_holdout(request: EvaluateRequest, bundle: Bundle, *, say: Say) -> tuple[LabelMaps, LabelMaps]:
    """Segment the labelled studies of ``request.data`` that the model has not seen.

    Args:
        request: Names the data, the model and the output, which gets predictions/.
        bundle: The model.
        say: Shows a line to the user.

    Returns:
        The predictions and the references.

    Raises:
        BundleError: The model is not trained.
        DatalistError: The data cannot be read, or no labelled study is left that the model has not seen.
    """
    if request.data is None:
        raise ValueError("a hold-out needs data")
    if not bundle.weights.is_file():
        raise BundleError(f"Bundle '{bundle.name}' in {bundle.root} has no trained weights (models/model.pt).")
    dataset = read_dataset(request.data)
    ids = _unseen(request, dataset, say)
    output = request.output / PREDICTIONS
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "holdout.json"
        write_json(listed, datalist_of(dataset, ids))
        _infer(request, bundle, listed, output, say)
    references = find_label_maps(request.data)
    kept = {study: file for study, file in references.files.items() if study in ids}
    absent = {study: reason for study, reason in references.absent.items() if study in ids}
    return find_label_maps(output), replace(references, files=kept, absent=absent)


def _unseen(request: EvaluateRequest, dataset: Dataset, say: Say) -> list[str]:
    """Ids of the labelled studies that the model has not seen.

    Raises:
        DatalistError: There is none.
    """
    labelled = {study.id: study.patient for study in dataset.studies if study.label is not None}
    left = unseen(labelled, seen_by(Path(request.bundle or "")))
    if len(left) < len(labelled):
        say(left_out_sentence(len(left), len(labelled)))
    if not left:
        raise DatalistError(
            f"'{dataset.root}': {len(labelled)} labelled studies, none of which the model has not seen. "
            "Give data that was not trained on."
        )
    return left


def datalist_of(dataset: Dataset, ids: Sequence[str]) -> dict[str, Any]:
    """Some studies as a datalist that names no label file."""
    images: Mapping[str, list[str]] = {
        study.id: list(dict.fromkeys(str(file.path.absolute()) for file in study.channels.values()))
        for study in dataset.studies
        if study.id in ids
    }
    return {
        "channel_names": {str(n): name for n, name in enumerate(dataset.channel_names)},
        "labels": None if dataset.label_names is None else {str(v): name for v, name in dataset.label_names.items()},
        "test": [{"id": study, "image": paths} for study, paths in images.items()],
    }


def _infer(request: EvaluateRequest, bundle: Bundle, listed: Path, output: Path, say: Say) -> None:
    """Imported here: an evaluation of maps that exist needs neither torch nor MONAI."""
    from medseg.engine.allocator import keep_freed_memory
    from medseg.runs.tracking import keep_mlflow_quiet

    keep_freed_memory()
    keep_mlflow_quiet()
    from medseg.steps.cohort_inference import infer_cohort

    infer_cohort(
        bundle,
        (listed,),
        output=output,
        device_name=request.device,
        precision_name=request.precision,
        dicom=DicomOptions(),
        results=ResultOptions(report=False),
        say=say,
    )
