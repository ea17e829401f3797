"""Train a bundle on your scans, and see how it does on patients it never saw.

Does:  checks bundle and data, trains within a budget, segments the hold-out studies, scores them, writes a report.
Needs: labelled scans of at least three patients, in any layout medseg reads.
Makes: OUTPUT/<bundle>/<time> (a run), with evaluation/ inside: report.html, tables, and the predictions.
Takes: the budget, and the time to segment the hold-out once more.
Run:   python pipelines/train_and_evaluate.py --bundle hippocampus_unet3d --data DIR --budget-min 15
"""

from __future__ import annotations

import argparse
from pathlib import Path

from medseg.check import check
from medseg.evaluate import evaluate
from medseg.steps.evaluation_request import EvaluateRequest
from medseg.steps.request import TrainRequest
from medseg.train import train


def train_and_evaluate(request: TrainRequest) -> Path:
    """Train, and evaluate on the hold-out; gives the run's folder.

    Raises:
        MedsegError: Bundle or data cannot be used, or the training failed.
        ValueError: The request names no data.
    """
    if request.data is None:
        raise ValueError("a hold-out of phantoms says nothing; name your data")
    check(request.bundle, request.data)
    result = train(request)
    run = result.run.root
    if result.holdout is not None:  # None where it was interrupted; the last line said how to go on
        evaluate(EvaluateRequest(run / "evaluation", bundle=str(run), data=request.data, device=request.device))
    return run


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
