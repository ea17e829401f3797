"""Train, check, segment and evaluate once, on synthetic data.

Does:  checks a bundle, trains it briefly on phantoms, checks the result, segments them, scores what it never saw.
Needs: nothing; no data, no network, no GPU.
Makes: OUTPUT/hippocampus_unet2d/smoke (a run), OUTPUT/predictions (a label map per phantom), OUTPUT/evaluation.
Takes: about a minute on two CPU cores; the scores mean nothing after so few steps.
Run:   python pipelines/phantom_smoke.py --output smoke
"""

from __future__ import annotations

import argparse
from pathlib import Path

from medseg.check import check
from medseg.evaluate import evaluate
from medseg.infer import infer
from medseg.steps.evaluation_request import EvaluateRequest
from medseg.steps.infer_request import InferRequest
from medseg.steps.request import TrainRequest
from medseg.train import train

BUNDLE = "hippocampus_unet2d"  # the quickest of the bundles
BRIEF = ("sampling.patches_per_study=2", "validation.every=2")


def smoke(output: Path) -> Path:
    """Check, train, check, infer, evaluate; gives the folder of the label maps.

    Raises:
        MedsegError: A verb refused.
        RuntimeError: A phantom could not be segmented.
    """
    check(BUNDLE, network=True)
    request = TrainRequest(bundle=BUNDLE, output=output, name="smoke", epochs=2, settings=BRIEF, workers=0)
    run = train(request).run
    check(str(run.root))
    phantoms = next((output / "phantoms").iterdir())
    outcomes = infer(InferRequest(bundle=str(run.root), inputs=(phantoms,), output=output / "predictions"))
    failed = [f"{one.study}: {one.reason}" for one in outcomes if one.reason is not None]
    if failed:
        raise RuntimeError("; ".join(failed))
    predictions = output / "predictions"
    evaluate(EvaluateRequest(output / "evaluation", predictions, phantoms, bundle=str(run.root)))
    return predictions


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--output", type=Path, required=True, help="a new folder")
    print(smoke(options.parse_args().output))
