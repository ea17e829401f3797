"""From what a scanner sent to results that a PACS takes, and a page to read.

Does:  looks at every DICOM series, refuses with the reasons where none may be used, segments each study.
Needs: a folder of DICOM and a trained bundle whose labels have codes; no GPU.
Makes: per study OUTPUT/<study>.nii.gz, and in OUTPUT/<study>/ seg.dcm, sr.dcm and report.html; OUTPUT/run.json.
Takes: what `medseg infer` takes, and reading the scans once more.
Run:   python pipelines/scanner_to_report.py --bundle RUN --input DIR --output results
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from medseg.check import check_input
from medseg.core.errors import EXIT_DONE, EXIT_SOME_FAILED, DatalistError, MedsegError, raise_faults
from medseg.core.formats import FORMATS
from medseg.infer import infer
from medseg.steps.infer_request import InferRequest
from medseg.steps.jobs import Outcome
from medseg.steps.stock import Stock, table


def scanner_to_report(bundle: str, scans: Path, output: Path) -> list[Outcome]:
    """Check, segment, and write every format; gives what became of each study.

    Raises:
        MedsegError: No series may be used (the message has the reasons), or bundle or output cannot be.
    """
    stock = check_input(scans)
    for line in table(stock):
        print(line)
    refuse_unusable(stock, scans)
    outcomes = infer(InferRequest(bundle, (scans,), output, formats=FORMATS))
    for outcome in outcomes:
        print(f"{outcome.study}: " + (f"failed: {outcome.reason}" if outcome.reason else outcome.code))
        for path in outcome.outputs:
            print(f"  {path}")
    return outcomes


def refuse_unusable(stock: Stock, scans: Path) -> None:
    """Stop where no image may be used, before a model is loaded.

    Raises:
        DatalistError: With the reason of each series.
    """
    images = [item for item in stock.items if item.is_image]
    if any(item.verdict.accepted for item in images):
        return
    reasons = [item.verdict.reason for item in images] + [damage.sentence for damage in stock.damaged]
    raise_faults(f"'{scans}' holds no series that may be used", reasons or ["no image at all"], DatalistError)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--bundle", required=True, help="name, folder, or run folder of a trained model")
    options.add_argument("--input", type=Path, required=True, help="folder of DICOM, one study or many")
    options.add_argument("--output", type=Path, required=True, help="folder of the results")
    given = options.parse_args()
    try:
        done = scanner_to_report(given.bundle, given.input, given.output)
    except MedsegError as error:
        sys.exit(f"medseg: {error}")
    sys.exit(EXIT_SOME_FAILED if any(one.reason for one in done) else EXIT_DONE)
