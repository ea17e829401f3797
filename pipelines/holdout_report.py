"""How good a model is on studies it never saw, as a report one can send.

Does:  segments the hold-out with a bundle or run, scores it, compares with an earlier evaluation, checks gates.
Needs: a trained bundle and labelled studies; a run's own training data may be among them and is left out; no GPU.
Makes: OUTPUT/report.html, OUTPUT/summary.json, OUTPUT/per_study.csv, OUTPUT/per_lesion.csv, OUTPUT/predictions/.
Takes: what `medseg infer` takes for these studies, and seconds for the scores.
Run:   python pipelines/holdout_report.py --bundle RUN --data DIR --output evaluation
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from medseg.check import check
from medseg.core.command import pairs
from medseg.core.errors import MedsegError
from medseg.evaluate import evaluate, exit_code
from medseg.runs.evaluation_facts import EvaluationFacts
from medseg.steps.evaluation_request import EvaluateRequest


def holdout_report(
    bundle: str,
    data: Path,
    output: Path,
    *,
    against: Path | None = None,
    least: Mapping[str, str] | None = None,
) -> EvaluationFacts:
    """Check model and data, segment, score, write the report.

    Raises:
        MedsegError: Model or data cannot be used, or there is no study that the model has not seen.
    """
    check(bundle, data)
    return evaluate(EvaluateRequest(output, bundle=bundle, data=data, against=against, least=least or {}))


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--bundle", required=True, help="name, folder, or run folder of a trained model")
    options.add_argument("--data", type=Path, required=True, help="labelled studies, in any layout medseg reads")
    options.add_argument("--output", type=Path, required=True, help="folder of the report")
    options.add_argument("--against", type=Path, help="folder of an earlier evaluation")
    options.add_argument("--min", action="append", default=[], metavar="METRIC.LABEL=VALUE", help="least mean accepted")
    given = options.parse_args()
    try:
        least = pairs(given.min, "--min")
        facts = holdout_report(given.bundle, given.data, given.output, against=given.against, least=least)
    except MedsegError as error:
        print(f"medseg: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    print(given.output / "report.html")
    sys.exit(exit_code(facts))
