"""Train a bundle on your scans, and see how it does on patients it never saw.

Does:  checks bundle and data, trains within a budget, segments the hold-out studies, prints their scores.
Needs: labelled scans of at least three patients, in any layout medseg reads.
Makes: OUTPUT/<bundle>/<time> (a run; holdout.csv holds the table), with predictions/ of the hold-out inside.
Takes: the budget, and the time to segment the hold-out once more.
Run:   python pipelines/train_and_evaluate.py --bundle hippocampus_unet3d --data DIR --budget-min 15
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from medseg.check import check
from medseg.core.files import write_json
from medseg.core.study import Dataset
from medseg.datasets.detect import read_dataset
from medseg.infer import InferRequest, infer
from medseg.runs.record import read_record
from medseg.steps.request import TrainRequest
from medseg.train import train


def train_and_evaluate(request: TrainRequest) -> Path:
    """Train, and segment the hold-out; gives the run's folder.

    Raises:
        MedsegError: Bundle or data cannot be used, or the training failed.
        ValueError: The request names no data.
    """
    if request.data is None:
        raise ValueError("a hold-out of phantoms says nothing; name your data")
    check(request.bundle, request.data)
    result = train(request)
    if result.holdout is None:
        return result.run.root  # interrupted; the last line said how to go on
    ids = read_record(result.run.record)["split"]["holdout"]
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "holdout.json"
        write_json(listed, without_labels(read_dataset(request.data), ids))
        infer(InferRequest(str(result.run.root), (listed,), result.run.root / "predictions", device=request.device))
    print(result.holdout.table())
    return result.run.root


def without_labels(dataset: Dataset, ids: list[str]) -> dict[str, object]:
    """A datalist of some studies that names no label file."""
    studies = [study for study in dataset.studies if study.id in ids]
    images = {
        study.id: dict.fromkeys(str(file.path.absolute()) for file in study.channels.values()) for study in studies
    }
    return {
        "channel_names": {str(n): name for n, name in enumerate(dataset.channel_names)},
        "labels": None if dataset.label_names is None else {str(v): name for v, name in dataset.label_names.items()},
        "test": [{"id": study, "image": list(paths)} for study, paths in images.items()],
    }


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--bundle", required=True, help="name or folder of a bundle")
    options.add_argument("--data", type=Path, required=True, help="labelled scans")
    options.add_argument("--budget-min", type=float, required=True, help="minutes for training and scoring")
    options.add_argument("--output", type=Path, default=Path("runs"), help="folder of all runs")
    given = options.parse_args()
    print(
        train_and_evaluate(
            TrainRequest(bundle=given.bundle, data=given.data, budget_min=given.budget_min, output=given.output)
        )
    )
