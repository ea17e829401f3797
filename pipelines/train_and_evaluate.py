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

from medseg.bundle.find import find_bundle
from medseg.bundle.read import read_bundle
from medseg.check import check
from medseg.core.files import write_json
from medseg.infer import InferRequest, infer
from medseg.runs.record import read_record
from medseg.steps.data import load_cohort
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
    studies = hold_out_files(request.bundle, request.data, read_record(result.run.record)["split"]["holdout"])
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "holdout.json"
        write_json(listed, studies)
        infer(InferRequest(str(result.run.root), (listed,), result.run.root / "predictions", device=request.device))
    print(result.holdout.table())
    return result.run.root


def hold_out_files(bundle: str, data: Path, ids: list[str]) -> dict[str, object]:
    """A datalist of the hold-out studies, without their labels."""
    dataset = load_cohort(data, read_bundle(find_bundle(bundle)), cache=None).dataset
    test = [
        {"id": study.id, "image": [str(path.absolute()) for path in study.files() if path != study.label]}
        for study in dataset.studies
        if study.id in ids
    ]
    return {"channel_names": {str(n): name for n, name in enumerate(dataset.channel_names)}, "test": test}


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
