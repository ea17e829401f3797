"""Segment the hold-out of a dataset with a trained model, so that it can be evaluated."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from medseg.core.files import write_json
from medseg.core.study import Dataset
from medseg.datasets.detect import read_dataset
from medseg.steps.computing import Computing
from medseg.steps.dicom_options import DicomOptions
from medseg.steps.ensemble import Ensemble, check_trained
from medseg.steps.evaluation_request import EvaluateRequest
from medseg.steps.label_maps import LabelMaps, find_label_maps
from medseg.steps.results import ResultOptions
from medseg.steps.sharing import ALL

PREDICTIONS = "predictions"
Say = Callable[[str], None]


def predict_holdout(request: EvaluateRequest, model: Ensemble, ids: Sequence[str], *, say: Say) -> LabelMaps:
    """Segment some studies of ``request.data`` into predictions/ of the output.

    Args:
        request: Names the data and the output.
        model: What segments.
        ids: Of the studies.
        say: Shows a line to the user.

    Raises:
        BundleError: The model is not trained.
        DatalistError: The data is no dataset, or no study could be segmented.
    """
    if request.data is None:
        raise ValueError("a hold-out needs data")
    output = request.output / PREDICTIONS
    segment_studies(
        model, request.data, ids, output=output, device=request.device, precision=request.precision, say=say
    )
    made = find_label_maps(output)
    return replace(made, files={study: file for study, file in made.files.items() if study in ids})


def segment_studies(
    model: Ensemble, data: Path, ids: Sequence[str], *, output: Path, device: str, precision: str, say: Say
) -> None:
    """Segment some studies of a dataset, as ``medseg infer`` does.

    Args:
        model: What segments.
        data: Folder or datalist.
        ids: Of the studies.
        output: Gets label maps and run.json.
        device: See ``choose_device``.
        precision: See ``choose_precision``.
        say: Shows a line to the user.

    Raises:
        BundleError: The model is not trained.
        DatalistError: The data is no dataset, or no study could be segmented.
    """
    check_trained(model)
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "holdout.json"
        write_json(listed, datalist_of(read_dataset(data), ids))
        _infer(model, listed, output, device=device, precision=precision, say=say)


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


def _infer(model: Ensemble, listed: Path, output: Path, *, device: str, precision: str, say: Say) -> None:
    """Imported here: an evaluation of maps that exist needs neither torch nor MONAI."""
    from medseg.core.lean_import import import_monai_lean
    from medseg.engine.allocator import keep_freed_memory
    from medseg.runs.tracking_client import keep_mlflow_quiet

    keep_freed_memory()
    keep_mlflow_quiet()
    import_monai_lean()
    from medseg.steps.cohort_inference import infer_cohort
    from medseg.steps.collect import to_segment

    # A hold-out is scored as it is: what a clinic would refuse to segment says how good the model is all the same.
    model = replace(model, members=tuple(replace(one, validity=None) for one in model.members))
    infer_cohort(
        model,
        to_segment(model.bundle, (listed,), DicomOptions(), ALL, say),
        output=output,
        how=Computing(device, precision, exact=True),  # what is reported is what stock MONAI gives
        results=ResultOptions(report=False),
        say=say,
    )
